#include "accelerator/systolic_array.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "kernel/error.h"
#include "parts/bf16.h"

namespace heddle {

namespace {

/// Of a layer's three matrices together, in mode pe_grid.
constexpr std::uint64_t most_grid_elements = std::uint64_t{1} << 26;

double products_of(const GemmShape& shape) {
  return static_cast<double>(shape.m) * static_cast<double>(shape.k) * static_cast<double>(shape.n);
}

void draw(Rng& random, std::vector<std::int8_t>& matrix) {
  for (std::int8_t& element : matrix) element = static_cast<std::int8_t>(random.bits() >> 56);
}
void draw(Rng& random, std::vector<float>& matrix) {
  for (float& element : matrix) {
    element = round_to_bf16(static_cast<float>(2 * random.uniform() - 1));
  }
}

template <class Operands>
GridGemm<Operands> random_gemm(const SystolicConfig& config, const GemmShape& shape, DataType type,
                               Rng& random) {
  std::vector<typename Operands::Operand> a(shape.m * shape.k);
  std::vector<typename Operands::Operand> b(shape.k * shape.n);
  draw(random, a);
  draw(random, b);
  return {config, shape, type, std::move(a), std::move(b)};
}

}  // namespace

double peak_products(const SystolicConfig& config, DataType type) {
  const double elements = static_cast<double>(config.rows) * static_cast<double>(config.columns);
  if (config.folds == Folds::serial) return elements;  // SCALE-Sim knows no types
  const double each = static_cast<double>(config.cycles_per_operand(type));
  if (config.dataflow == Dataflow::output_stationary) return elements / each;
  return elements * static_cast<double>(config.operands_per_row(type)) / each;
}

SystolicArray::SystolicArray(const sc_core::sc_module_name& module_name, Clock& clock,
                             const SystolicConfig& config, DataType type, std::uint64_t seed)
    : Device(module_name, clock, 1),
      config_(config),
      type_(type),
      operands_(seed, path(), "operands") {
  if (config.mode == ArrayMode::pe_grid && type != DataType::int8 && type != DataType::bf16) {
    throw InputError(fmt::format("mode: pe_grid computes with int8 and bf16, not with {}",
                                 data_type_name(type)));
  }
}

// --- what is to be done --------------------------------------------------------------------------

void SystolicArray::run_layers(std::vector<GemmLayer> layers, Cycle begin) {
  for (const GemmLayer& layer : layers) check_layer(layer);
  ask(std::move(layers), begin);
  wake(0, begin);
}

void SystolicArray::ask(std::vector<GemmLayer> layers, Cycle not_before) {
  for (GemmLayer& layer : layers) layers_.push_back({std::move(layer), not_before});
}

void SystolicArray::check_layer(const GemmLayer& layer) const {
  const GemmShape& shape = layer.shape;
  try {
    serial_timing(shape, config_.rows, config_.columns, config_.dataflow);
  } catch (const InputError& error) {
    throw InputError(fmt::format("layer {}: {}", layer.name, error.what()));
  }
  if (config_.mode != ArrayMode::pe_grid) return;
  const double elements = static_cast<double>(shape.m) * static_cast<double>(shape.k) +
                          static_cast<double>(shape.k) * static_cast<double>(shape.n) +
                          static_cast<double>(shape.m) * static_cast<double>(shape.n);
  if (elements <= static_cast<double>(most_grid_elements)) return;
  throw InputError(fmt::format(
      "layer {}: {} x {} x {} is too large for mode pe_grid, whose three matrices have up to {} "
      "elements together",
      layer.name, shape.m, shape.k, shape.n, most_grid_elements));
}

// --- the cycle -----------------------------------------------------------------------------------

void SystolicArray::cycle() {
  due_.clear(0);
  end_layer();     // 1. the last result of a layer has left
  begin_layer();   // 2. the next layer begins
  start_passes();  // 3. passes whose first operands enter
  step_grid();     // 4. every PE, in mode pe_grid
  arm();           // 5. the next cycle with something to do
}

void SystolicArray::end_layer() {
  if (!running_ || running_->passes_left || now() < running_->end()) return;
  const ArrayCycles cycles = layer_cycles(running_->schedule.cycles());
  check_grid(cycles);
  report(layers_.front().layer, cycles);
  finished_ = running_->end();
  done_.add(cycles);
  running_.reset();
  layers_.pop_front();
}

void SystolicArray::begin_layer() {
  if (running_ || layers_.empty() || now() < layers_.front().not_before) return;
  const GemmShape& shape = layers_.front().layer.shape;
  running_.emplace(config_, shape, type_, now());
  if (config_.mode == ArrayMode::pe_grid) make_grid(shape);
}

void SystolicArray::start_passes() {
  while (running_ && running_->passes_left && now() >= running_->begin + running_->next.start) {
    const FoldPass& pass = running_->next;
    pass.count(running_->activity);
    for (const std::uint64_t value : {running_->begin + pass.start, running_->begin + pass.end,
                                      pass.fold.rows, pass.fold.columns, pass.fold.steps}) {
      mix(value);
    }
    ++running_->passes;
    ++passes_;
    running_->passes_left = !running_->schedule.done();
    if (running_->passes_left) running_->next = running_->schedule.next();
  }
}

void SystolicArray::step_grid() {
  if (!running_) return;
  const auto step = [](auto& grid) {
    if constexpr (!std::is_same_v<std::decay_t<decltype(grid)>, std::monostate>) grid.step();
  };
  std::visit(step, running_->grid);
}

void SystolicArray::arm() {
  if (!running_) {
    if (!layers_.empty()) wake(0, layers_.front().not_before);
    return;
  }
  if (config_.mode == ArrayMode::pe_grid) return wake(0, now() + 1);
  wake(0, running_->passes_left ? running_->begin + running_->next.start : running_->end());
}

// --- the numbers ---------------------------------------------------------------------------------

void SystolicArray::make_grid(const GemmShape& shape) {
  if (type_ == DataType::int8) {
    running_->grid.emplace<1>(random_gemm<Int8Operands>(config_, shape, type_, operands_));
  } else {
    running_->grid.emplace<2>(random_gemm<Bf16Operands>(config_, shape, type_, operands_));
  }
}

/// Each result's cycle was checked as it left; here the sums, and the cycles altogether.
void SystolicArray::check_grid(const ArrayCycles& cycles) const {
  const auto check = [&](const auto& grid) {
    if constexpr (!std::is_same_v<std::decay_t<decltype(grid)>, std::monostate>) {
      if (grid.cycles() != cycles.total() || !(grid.seen() == cycles)) {
        throw CheckFailure(path() + ": the PEs took other cycles than the fast mode");
      }
      if (grid.c() != grid.expected()) {
        throw CheckFailure(path() + ": the PEs did not compute the product");
      }
    }
  };
  std::visit(check, running_->grid);
}

// --- the accounts --------------------------------------------------------------------------------

/// Of the running layer's cycles before `end`, counted from its beginning.
ArrayCycles SystolicArray::layer_cycles(Cycle end) const {
  ArrayActivity activity = running_->activity;
  if (running_->passes_left) {
    const FoldPass& next = running_->next;
    if (next.loads && next.load.begin < end) activity.load(next.load.begin, next.load.end);
    if (next.start < end) activity.pass(next.start, next.entered, next.issue_end);
  }
  return activity.cycles(end);
}

ArrayCycles SystolicArray::cycles(Cycle end) const {
  ArrayCycles all = done_;
  if (running_ && end > running_->begin) all.add(layer_cycles(end - running_->begin));
  all.idle += end - all.total();
  return all;
}

void SystolicArray::report(const GemmLayer& layer, const ArrayCycles& cycles) {
  LayerReport report;
  report.name = layer.name;
  report.shape = layer.shape;
  report.begin = running_->begin;
  report.end = running_->end();
  report.folds = running_->schedule.folds();
  report.passes = running_->passes;
  report.cycles = cycles;
  const double products = products_of(layer.shape);
  report.utilisation =
      products / (static_cast<double>(report.duration()) * peak_products(config_, type_));
  report.mapping_efficiency = running_->schedule.mapping_efficiency();
  products_ += layer.shape.m * layer.shape.k * layer.shape.n;
  reports_.push_back(std::move(report));
}

void SystolicArray::mix(std::uint64_t value) {
  hash_ = (hash_ ^ value) * 0x9e3779b97f4a7c15;
  hash_ ^= hash_ >> 32;
}

void SystolicArray::waits(std::vector<std::string>& lines) const {
  if (!running_) return;
  lines.push_back(fmt::format("{}: layer {}, {} passes so far", path(), layers_.front().layer.name,
                              running_->passes));
}

std::vector<StateView> SystolicArray::state() const {
  return {
      {"passes", StateView::Kind::strobe, 64, [this] { return passes_; }},
      {"layers", StateView::Kind::level, 32, [this] { return layers_.size(); }},
  };
}

void SystolicArray::verify(bool drained) const {
  for (const LayerReport& report : reports_) {
    if (report.cycles.total() != report.duration()) {
      throw CheckFailure(
          fmt::format("{}: the cycles of layer {} do not add up", path(), report.name));
    }
  }
  if (drained && !layers_.empty()) throw CheckFailure(path() + ": layers without an end");
}

}  // namespace heddle
