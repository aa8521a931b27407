#include "cosim/rtl_torus_router.h"

#include <Vtorus_router.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cosim/rtl_device.h"
#include "cosim/torus_router_pins.h"

namespace heddle {

namespace {

constexpr TorusRouterSizes sizes{7, 32, 2048};  // as in CMakeLists.txt
static_assert(sizes.ports == TorusRouter::most_ports);
static_assert(sizes.channels == torus_most_channels);

void check_buffer(const TorusRouter& router, std::uint32_t flits, const TorusConfig& config) {
  const std::uint64_t smallest = std::max<std::uint64_t>(config.flits(0), 1);
  if (flits / smallest <= sizes.packets) return;
  throw InputError(
      fmt::format("rtl: {} has room for {} packets in a channel's buffer (torus.buffer {} B, "
                  "torus.header {} B, torus.flit {} B); its RTL for {}",
                  router.path(), flits / smallest, flits * config.flit.value, config.header.value,
                  config.flit.value, sizes.packets));
}

}  // namespace

struct RtlTorusRouter::Rtl {
  Rtl(const Environment& environment, const std::string& path)
      : core(environment, path), pins(*core.operator->(), sizes) {}

  RtlCore<Vtorus_router> core;
  TorusRouterPins<Vtorus_router> pins;
  std::vector<LinkRate> rates;  ///< on the pins, by port
};

RtlTorusRouter::RtlTorusRouter(const sc_core::sc_module_name& module_name,
                               const Environment& environment, const TorusShape& shape,
                               unsigned node, const TorusConfig& config)
    : TorusRouter(module_name, environment, shape, node, config),
      rtl_(std::make_unique<Rtl>(environment, path())) {}

RtlTorusRouter::~RtlTorusRouter() = default;

void RtlTorusRouter::open_waves(const std::string& file) const { rtl_->core.open_waves(file); }
void RtlTorusRouter::close_waves() const { rtl_->core.close_waves(); }

void RtlTorusRouter::wired() {
  TorusRouter::wired();
  for (unsigned port = 0; port < ports(); ++port) {
    check_buffer(*this, buffer_flits(port), config_);
    rtl_->rates.push_back(link(port).rate());
  }
  rtl_->pins.set_router(*this, shape_, config_);
  rtl_->core.reset();
}

// --- the cycle ----------------------------------------------------------------------------------

void RtlTorusRouter::cycle() {
  due_.take(0, due_.size(), [](unsigned) {});
  if (std::exchange(has_news_, false)) learn();  // 0. what has no way now is dropped first
  take_credits();                                // 1. what has arrived, to the pins
  take_packets();
  follow_rates();
  rtl_->core.edge(now());  // 2. the RTL decides
  book_edge();             // 3. the books, and what the RTL starts on the links
  send_credits();
  if (!rtl_->core.idle()) wake(arbitration_reason(), now() + 1);
}

void RtlTorusRouter::learn() {
  for (unsigned d = 0; d < torus_dimensions; ++d) rtl_->pins.set_faults(d, faults_[d]);
  edge_ahead(now());
}

void RtlTorusRouter::take_credits() {
  for (unsigned port = 0; port < ports(); ++port) {
    take_arrivals(credit_reason(port), [&](const Frame& credit) {
      rtl_->pins.give_credit(port, credit);
      ++balance_.consumed;
    });
  }
}

void RtlTorusRouter::take_packets() {
  for (unsigned port = 0; port < ports(); ++port) {
    take_arrivals(port, [&](const Frame& frame) { take(port, frame); });
  }
}

void RtlTorusRouter::take(unsigned port, const Frame& frame) {
  // A link whose receiver acts on heads again may bring a second packet in the same cycle.
  if (pins::get_bits(rtl_->core->in_valid_i, port, 1) != 0) edge_ahead(now());
  if (frame.packet != no_packet) book_arrival(packets_[frame.packet], input(port), now());
  rtl_->core.arrive(port, frame);
}

/// Events change rates between two cycles.
void RtlTorusRouter::follow_rates() {
  for (unsigned port = 0; port < ports(); ++port) {
    const LinkRate& rate = link(port).rate();
    LinkRate& known = rtl_->rates[port];
    if (rate.bytes == known.bytes && rate.cycles == known.cycles) continue;
    known = rate;
    rtl_->pins.change_rate(port, link(port), now());
  }
}

/// An edge that is not the last of its cycle: nothing starts.
void RtlTorusRouter::edge_ahead(Cycle now) {
  pins::set(rtl_->core->more_i, 1);
  rtl_->core.edge_ahead(now);
  pins::set(rtl_->core->more_i, 0);
  book_edge();
}

// --- between two cycles -------------------------------------------------------------------------

void RtlTorusRouter::forget_room(unsigned port, Cycle at) {
  rtl_->pins.forget_room(port);
  edge_ahead(at);
}

void RtlTorusRouter::tell_room(unsigned port, Cycle at) {
  rtl_->pins.tell_room(port);
  edge_ahead(at);
  wake(arbitration_reason(), at);
}

// --- books --------------------------------------------------------------------------------------

/// In the order in which the model does it, so that peaks are the same: what arrives, each packet
/// with its drop if it has no way; what has left; what starts, and what is dropped behind that.
void RtlTorusRouter::book_edge() {
  rtl_->pins.end_events();
  rtl_->pins.end_credits();
  for (const auto& [port, frame] : rtl_->core.arrived()) book_taken(port, frame);
  rtl_->core.forget_arrived();
  for (unsigned port = 0; port < ports(); ++port) {
    const Transfer& transfer = outputs_[port].transfer;
    if (rtl_->pins.left(port)) book_leave(transfer.input, transfer.flits);
  }
  book_starts();
  book_drops();
}

void RtlTorusRouter::book_taken(unsigned port, const Frame& frame) {
  const unsigned channel = frame.traffic_class;
  const bool alone = queues_.empty(queue(port, channel));
  book_push(port, channel, frame);
  if (alone && rtl_->pins.dropped(port, channel) != 0) book_drop(port, channel);
}

void RtlTorusRouter::book_starts() {
  rtl_->core.for_each_start([&](unsigned port, const Frame& frame) {
    const auto [input, channel] = rtl_->pins.origin(port);
    const unsigned q = queue(input, channel);
    if (queues_.empty(q) || queues_.pop(q).packet != frame.packet) {
      throw CheckFailure(
          fmt::format("{}: its RTL sends a packet that is not the first of input {}, "
                      "channel {}",
                      path(), port_name(input), channel));
    }
    const auto flits = static_cast<std::uint32_t>(frame.wire_bytes / flit_bytes_);
    Output& output = outputs_[port];
    output.link->send(frame, now());
    output.transfer = {never, flits, static_cast<std::uint8_t>(input),
                       static_cast<std::uint8_t>(channel)};
    book_start(port, flits);
  });
}

/// What was dropped as it came is not there any more.
void RtlTorusRouter::book_drops() {
  if (rtl_->core->dropped_o == 0) return;
  for (unsigned input = 0; input < ports(); ++input) {
    for (unsigned channel = 0; channel < channels(); ++channel) {
      const std::uint32_t there = queues_.length(queue(input, channel));
      for (unsigned n = std::min(rtl_->pins.dropped(input, channel), there); n > 0; --n) {
        book_drop(input, channel);
      }
    }
  }
}

void RtlTorusRouter::send_credits() {
  for (unsigned port = 0; port < ports(); ++port) {
    const std::optional<Frame> credit = rtl_->pins.credit(port);
    if (!credit) continue;
    inputs_[port].returns.wire().send(*credit, now());
    ++balance_.sent;
    ++balance_.created;
  }
}

// --- what others may see ------------------------------------------------------------------------

std::uint64_t RtlTorusRouter::queued_packets() const { return rtl_->core->queued_o; }

TorusRouter::Hop RtlTorusRouter::next_hop(unsigned input, unsigned channel) const {
  return rtl_->pins.next_hop(input, channel);
}

std::uint32_t RtlTorusRouter::waiting(unsigned input) const { return rtl_->pins.waiting(input); }

bool RtlTorusRouter::at_rest() const { return all_.level() == 0 && !rtl_->pins.any_unreturned(); }

std::uint32_t RtlTorusRouter::room(unsigned output, unsigned channel) const {
  return rtl_->pins.room(output, channel);
}

std::uint32_t RtlTorusRouter::held_flits(unsigned input, unsigned channel) const {
  return rtl_->pins.held_flits(input, channel);
}

std::uint32_t RtlTorusRouter::unreturned_flits(unsigned input, unsigned channel) const {
  return rtl_->pins.unreturned_flits(input, channel);
}

}  // namespace heddle
