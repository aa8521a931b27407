#include "engine/array_work.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "engine/accelerator_work.h"

namespace heddle {

namespace {

std::vector<GemmLayer> layers_of(const Scenario& scenario) {
  std::vector<GemmLayer> layers;
  for (const Job& job : chip_work(scenario).jobs) {
    const auto& gemm = std::get<GemmJob>(job);
    layers.push_back({gemm.name, gemm.shape});
  }
  return layers;
}

}  // namespace

ArrayWork::ArrayWork(const Scenario& scenario, const Clock& clock)
    : scenario_(scenario),
      clock_(clock),
      messages_(scenario.torus.payload.value),
      log_(0, never),
      memory_log_(0) {}

/// The only one: nothing goes over the torus.
std::unique_ptr<TorusNode> ArrayWork::make_node(const TorusNodePlace& place) {
  array_ =
      std::make_unique<SystolicArray>("array", place.environment.clock, scenario_.accelerator.array,
                                      scenario_.workload.front().type, scenario_.seed);
  array_->run_layers(layers_of(scenario_), 1);
  const TorusEndpointPlace at{place.node,         place.shape, scenario_.accelerator.memory_bytes(),
                              place.buffer_flits, messages_,   log_,
                              memory_log_,        endpoints_};
  auto endpoint = std::make_unique<TorusEndpoint>(place.name.c_str(), place.environment, at,
                                                  place.config, scenario_.endpoint);
  endpoints_.push_back(endpoint.get());
  return endpoint;
}

/// The array says nothing while a pass runs, however long that is.
Cycle ArrayWork::last_progress() const {
  return array_->waiting() == 0 ? array_->finished() : clock_.now();
}

void ArrayWork::check_laws(const TorusFacts& facts) const {
  if (!facts.drained) return;
  std::uint64_t products = 0;
  for (const LayerReport& layer : array_->reports()) {
    products += layer.shape.m * layer.shape.k * layer.shape.n;
  }
  if (products != array_->products()) {
    throw CheckFailure(
        fmt::format("the array has made {} products of {}", array_->products(), products));
  }
}

void ArrayWork::add_results(nlohmann::ordered_json& results, const TorusFacts& facts) const {
  using Json = nlohmann::ordered_json;
  const SystolicConfig& config = scenario_.accelerator.array;
  const DataType type = scenario_.workload.front().type;
  const double seconds = static_cast<double>(facts.end) * facts.cycle_ns * 1e-9;
  const double flops = 2 * static_cast<double>(array_->products());
  results["compute"] = {
      {"chips", 1},
      {"flops", 2 * array_->products()},
      {"time_ns", seconds * 1e9},
      {"tflops_per_chip", seconds > 0 ? flops / seconds * 1e-12 : 0},
      {"peak_tflops_per_chip",
       2 * peak_products(config, type) * static_cast<double>(config.clock.hertz) * 1e-12}};
  const ArrayCycles cycles = array_->cycles(facts.end);
  const auto all = static_cast<double>(std::max<Cycle>(cycles.total(), 1));
  const auto share = [all](Cycle of) { return static_cast<double>(of) / all; };
  results["array"] = {{"load", share(cycles.load)},   {"fill", share(cycles.fill)},
                      {"busy", share(cycles.busy)},   {"padding", share(cycles.padding)},
                      {"drain", share(cycles.drain)}, {"idle", share(cycles.idle)}};
  Json layers = Json::array();
  for (const LayerReport& layer : array_->reports()) {
    layers.push_back({{"name", layer.name},
                      {"m", layer.shape.m},
                      {"k", layer.shape.k},
                      {"n", layer.shape.n},
                      {"cycles", layer.duration()},
                      {"folds", layer.folds},
                      {"utilisation", layer.utilisation},
                      {"mapping_efficiency", layer.mapping_efficiency}});
  }
  results["layers"] = std::move(layers);
}

std::string ArrayWork::unfinished() const {
  return fmt::format("{} layers not done", array_->waiting());
}

}  // namespace heddle
