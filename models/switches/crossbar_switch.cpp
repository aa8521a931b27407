#include "switches/crossbar_switch.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <type_traits>

namespace heddle {

namespace {

constexpr unsigned slot_reason = 0;
constexpr std::uint32_t unbounded = ~std::uint32_t{0};  // each queue has its own bound

WaitPlaces wait_places(const CrossbarConfig& config) {
  if (config.queueing == Queueing::output) return WaitPlaces::outputs;
  return config.output_speedup > 1 ? WaitPlaces::both : WaitPlaces::inputs;
}

}  // namespace

CrossbarSwitch::Matcher CrossbarSwitch::make_matcher(const CrossbarPlace& place,
                                                     const CrossbarConfig& config, const Rng& rng) {
  const auto iterations = static_cast<unsigned>(config.iterations);
  switch (config.matching) {
    case MatchingKind::islip:
      return IslipMatcher(place.ports, iterations);
    case MatchingKind::pim:
      return PimMatcher(iterations, rng);
    case MatchingKind::maximum_weight:
      break;
  }
  return MaximumWeightMatcher(place.ports);
}

CrossbarSwitch::CrossbarSwitch(const sc_core::sc_module_name& module_name,
                               const Environment& environment, const CrossbarPlace& place,
                               const CrossbarConfig& config)
    : Device(module_name, environment.clock, 1),
      place_(place),
      config_(config),
      source_(place.ports, place.traffic, clock_.options().seed, path()),
      inputs_(place.ports, config.queueing == Queueing::voq,
              static_cast<std::uint32_t>(config.queue_cells)),
      matcher_(make_matcher(place, config, Rng(clock_.options().seed, path(), "matching"))),
      outputs_(place.ports, unbounded),
      queued_outputs_(config.queueing == Queueing::output || config.output_speedup > 1),
      pacer_(place.slot.cycles, place.slot.slots),
      next_arrival_(place.arrivals.first - 1),
      meter_(place.measured, wait_places(config)),
      input_bytes_(place.ports),
      output_bytes_(place.ports) {
  look_ahead();
  arm();
}

void CrossbarSwitch::cycle() {
  due_.clear(slot_reason);
  if (now() != pacer_.due()) return;
  slot_ = next_slot_;
  arrive();    // 1. the slot's cells join their queues
  transfer();  // 2. matched inputs send cells to their outputs, as often as the speed-up allows
  depart();    // 3. each output sends a cell
  arm();       // 4. the next slot with work
}

// --- 1. arrive ----------------------------------------------------------------------------------

void CrossbarSwitch::arrive() {
  slot_arrivals_ = 0;
  if (slot_ != next_arrival_) return;
  if (held() == 0) last_progress_ = now();
  for_each_port(next_arrivals_, [&](unsigned input) {
    const SwitchCell cell{slot_, 0, static_cast<std::uint8_t>(input),
                          static_cast<std::uint8_t>(source_.destination(input))};
    if (!store(cell)) ++dropped_;
  });
  slot_arrivals_ = count_ports(next_arrivals_);
  arrived_ += slot_arrivals_;
  look_ahead();
}

bool CrossbarSwitch::store(const SwitchCell& cell) {
  if (config_.queueing == Queueing::output) {
    if ((full_ & port_bit(cell.output)) != 0) return false;
    queue_at_output(cell);
    return true;
  }
  if (!inputs_.push(cell)) return false;
  input_bytes_[cell.input].add(config_.cell.value, now());
  all_inputs_.add(config_.cell.value, now());
  return true;
}

void CrossbarSwitch::queue_at_output(SwitchCell cell) {
  cell.crossed = slot_;
  outputs_.push(cell.output, cell);
  sending_ |= port_bit(cell.output);
  if (outputs_.length(cell.output) == config_.queue_cells) full_ |= port_bit(cell.output);
  output_bytes_[cell.output].add(config_.cell.value, now());
  all_outputs_.add(config_.cell.value, now());
}

/// Draws the next slot in which cells arrive.
void CrossbarSwitch::look_ahead() {
  do {
    if (++next_arrival_ >= place_.arrivals.end) {
      next_arrival_ = no_slot;
      return;
    }
    next_arrivals_ = source_.next_slot();
  } while (next_arrivals_ == 0);
}

// --- 2. transfer --------------------------------------------------------------------------------

/// A matching per unit of the greater speed-up; ports that have used up their own take no part.
void CrossbarSwitch::transfer() {
  if (inputs_.held() == 0) return;
  std::array<std::uint8_t, port_mask_bits> sent{};
  std::array<std::uint8_t, port_mask_bits> taken{};
  FreePorts free{first_ports(place_.ports), first_ports(place_.ports)};
  const std::uint64_t rounds = std::max(config_.input_speedup, config_.output_speedup);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    free.outputs &= ~full_;
    const Matching matching = match(free);
    if (matching.outputs == 0) return;
    for_each_port(matching.outputs, [&](unsigned output) {
      const unsigned input = matching.input[output];
      cross(input, output);
      if (++sent[input] == config_.input_speedup) free.inputs &= ~port_bit(input);
      if (++taken[output] == config_.output_speedup) free.outputs &= ~port_bit(output);
    });
  }
}

Matching CrossbarSwitch::match(FreePorts free) {
  return std::visit(
      [&](auto& matcher) {
        if constexpr (std::is_same_v<std::decay_t<decltype(matcher)>, MaximumWeightMatcher>) {
          return matcher.match(inputs_.requests(), free, [this](unsigned input, unsigned output) {
            return inputs_.length(input, output);
          });
        } else {
          return matcher.match(inputs_.requests(), free);
        }
      },
      matcher_);
}

void CrossbarSwitch::cross(unsigned input, unsigned output) {
  const SwitchCell cell = inputs_.pop(input, output);
  input_bytes_[input].remove(config_.cell.value, now());
  all_inputs_.remove(config_.cell.value, now());
  if (queued_outputs_) {
    queue_at_output(cell);
  } else {
    leave(cell, slot_);
  }
}

// --- 3. depart ----------------------------------------------------------------------------------

void CrossbarSwitch::depart() {
  for_each_port(sending_, [&](unsigned output) {
    const SwitchCell cell = outputs_.pop(output);
    leave(cell, cell.crossed);
    output_bytes_[output].remove(config_.cell.value, now());
    all_outputs_.remove(config_.cell.value, now());
    full_ &= ~port_bit(output);
    if (outputs_.empty(output)) sending_ &= ~port_bit(output);
  });
  meter_.end_slot(slot_, slot_arrivals_);
}

void CrossbarSwitch::leave(const SwitchCell& cell, std::uint32_t crossed) {
  ++departed_;
  last_departure_ = last_progress_ = now();
  meter_.departed(cell.arrived, crossed, slot_);
  const std::uint64_t what = std::uint64_t{slot_} << 32 | cell.arrived;
  const std::uint64_t ports = std::uint64_t{cell.input} << 8 | cell.output;
  hash_ = (hash_ ^ what) * 0x9e3779b97f4a7c15;
  hash_ = (hash_ ^ hash_ >> 32 ^ ports) * 0xbf58476d1ce4e5b9;
}

/// While cells are inside every slot has work.
void CrossbarSwitch::arm() {
  next_slot_ = held() != 0 ? slot_ + 1 : next_arrival_;
  if (next_slot_ == no_slot) return;
  pacer_.spend(pacer_.due(), next_slot_ - slot_);
  wake(slot_reason, pacer_.due());
}

// --- what others may see ------------------------------------------------------------------------

void CrossbarSwitch::waits(std::vector<std::string>& lines) const {
  for (unsigned output = 0; output < place_.ports; ++output) {
    const PortMask asking = inputs_.requests().inputs_for[output];
    if (asking == 0) continue;
    lines.push_back(fmt::format("{}: output {} is asked for by {} inputs, the first is {}", path(),
                                output, count_ports(asking), lowest_port(asking)));
  }
}

std::vector<BufferView> CrossbarSwitch::buffers() const {
  std::vector<BufferView> views{{"inputs", BufferRole::ingress, &all_inputs_, true},
                                {"outputs", BufferRole::egress, &all_outputs_, true}};
  for (unsigned port = 0; port < place_.ports; ++port) {
    views.push_back({fmt::format("input{}", port), BufferRole::ingress, &input_bytes_[port]});
  }
  for (unsigned port = 0; port < place_.ports; ++port) {
    views.push_back({fmt::format("output{}", port), BufferRole::egress, &output_bytes_[port]});
  }
  return views;
}

std::vector<StateView> CrossbarSwitch::state() const {
  const auto strobe = [](const char* name, const std::uint64_t& count) {
    return StateView{name, StateView::Kind::strobe, 1, [&count] { return count; }};
  };
  return {strobe("arrive", arrived_), strobe("depart", departed_), strobe("drop", dropped_)};
}

FrameBalance CrossbarSwitch::balance() const {
  return {0, 0, arrived_, departed_, dropped_, held()};
}

/// Law: the queues' bytes are those of the cells held; queues with cells, and no others, ask.
void CrossbarSwitch::verify(bool drained) const {
  const std::uint64_t bytes = all_inputs_.level() + all_outputs_.level();
  if (bytes != held() * config_.cell.value || (drained && bytes != 0)) {
    throw CheckFailure(
        fmt::format("{}: {} B for {} cells of {} B", path(), bytes, held(), config_.cell.value));
  }
  const auto& requests = inputs_.requests().inputs_for;
  const bool asked =
      std::any_of(requests.begin(), requests.end(), [](PortMask m) { return m != 0; });
  if (asked != (inputs_.held() != 0)) {
    throw CheckFailure(fmt::format("{}: {} cells at inputs do not agree with the requests", path(),
                                   inputs_.held()));
  }
}

}  // namespace heddle
