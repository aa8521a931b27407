#include "cosim/flit_switch.h"

#include <fmt/format.h>

#include <algorithm>

namespace heddle {

namespace {

constexpr std::uint32_t no_tag = ~std::uint32_t{0};

}  // namespace

FlitSwitch::FlitSwitch(const SwitchArguments& arguments, unsigned flit_bytes, unsigned output_flits)
    : AdaptiveSwitch(arguments.name, arguments.environment, arguments.ports, arguments.routes,
                     arguments.config, arguments.routing, arguments.classes,
                     arguments.largest_packet_bytes),
      flit_bytes_(flit_bytes),
      output_bytes_(output_flits * flit_bytes),
      waiting_(arguments.ports.size()),
      offered_(arguments.ports.size()),
      tag_of_first_(arguments.ports.size(), no_tag),
      leaving_(arguments.ports.size(), no_tag),
      last_number_(arguments.ports.size() * arguments.ports.size()),
      in_flits_(arguments.ports.size()),
      out_flits_(arguments.ports.size()) {}

void FlitSwitch::cycle() {
  receive_frames();  // 1. packets routed, marked, admitted; senders paused
  offer_flits();     // 2. the RTL's inputs and outputs before the edge
  edge(in_flits_, out_flits_);
  take_flits();  // 3. flits that moved; whole frames to their output queues
  send();        // 4. output links; freed memory ends pauses
  if (!inside_.empty() || waiting_frames() != 0) wake(rtl_reason(), now() + 1);
}

// --- 1. frames in -------------------------------------------------------------------------------

void FlitSwitch::receive_frames() {
  due_.clear(rtl_reason());
  due_.take(0, ports(), [&](unsigned port) {
    take_arrivals(port, [&](const Frame& arrived) {
      Passing passing;
      passing.frame = arrived;
      passing.output = admit(port, passing.frame);
      if (passing.output == no_port) return;
      passing.input = port;
      passing.flits = (stored_bytes(passing.frame) + flit_bytes_ - 1) / flit_bytes_;
      passing.left = passing.flits;
      passing.number = ++frames_;
      waiting_[port].push_back(passing);
    });
  });
  if (memory_.has_xoff_changes()) announce_pauses();
}

// --- 2. and 3. flits ----------------------------------------------------------------------------

void FlitSwitch::offer_flits() {
  for (unsigned port = 0; port < ports(); ++port) {
    out_flits_[port] = {};
    out_flits_[port].ready = outputs_.queued_bytes(port) < output_bytes_;
    FlitIn& flit = in_flits_[port] = {};
    if (waiting_[port].empty()) continue;
    if (tag_of_first_[port] == no_tag) tag_of_first_[port] = free_tag();
    const Passing& passing = waiting_[port].front();
    const unsigned before = offered_[port] * flit_bytes_;
    flit.valid = true;
    flit.first = offered_[port] == 0;
    flit.last = offered_[port] + 1 == passing.flits;
    flit.bytes = std::min(flit_bytes_, stored_bytes(passing.frame) - before);
    flit.output = passing.output;
    flit.frame = &passing.frame;
    flit.tag = tag_of_first_[port];
  }
}

void FlitSwitch::take_flits() {
  for (unsigned port = 0; port < ports(); ++port) {
    const FlitIn& flit = in_flits_[port];
    if (!flit.valid || !flit.ready) continue;
    if (flit.first) inside_.emplace(flit.tag, waiting_[port].front());
    ++offered_[port];
    if (!flit.last) continue;
    waiting_[port].pop_front();
    offered_[port] = 0;
    tag_of_first_[port] = no_tag;
  }
  for (unsigned port = 0; port < ports(); ++port) {
    if (out_flits_[port].valid && out_flits_[port].ready) take_flit(port, out_flits_[port]);
  }
}

/// Flits of a frame may come out while later ones still go in.
void FlitSwitch::take_flit(unsigned port, const FlitOut& flit) {
  const auto found = inside_.find(flit.tag);
  if (found == inside_.end()) {
    throw CheckFailure(
        fmt::format("{}: output {} shows a flit with tag {}, which no frame inside "
                    "has",
                    path(), port, flit.tag));
  }
  Passing& passing = found->second;
  if (passing.output != port) {
    throw CheckFailure(
        fmt::format("{}: a frame for output {} leaves by output {}", path(), passing.output, port));
  }
  if (leaving_[port] != no_tag && leaving_[port] != flit.tag) {
    throw CheckFailure(fmt::format("{}: output {} mixes the flits of two frames", path(), port));
  }
  leaving_[port] = flit.tag;
  --passing.left;
  if (flit.last != (passing.left == 0)) {
    throw CheckFailure(fmt::format("{}: output {} ends a frame of {} flits with {} to come", path(),
                                   port, passing.flits, passing.left));
  }
  if (!flit.last) return;
  std::uint64_t& last = last_number_[passing.input * ports() + port];
  if (passing.number < last) {
    throw CheckFailure(fmt::format("{}: two frames from input {} to output {} change their order",
                                   path(), passing.input, port));
  }
  last = passing.number;
  outputs_.push(port, passing.frame.traffic_class, passing.frame, passing.input);
  grade(port);
  leaving_[port] = no_tag;
  inside_.erase(found);
}

std::uint32_t FlitSwitch::free_tag() {
  for (std::uint32_t tries = 0; tries < flit_tags; ++tries) {
    const std::uint32_t tag = next_tag_++ % flit_tags;
    const bool taken =
        inside_.count(tag) != 0 ||
        std::find(tag_of_first_.begin(), tag_of_first_.end(), tag) != tag_of_first_.end();
    if (!taken) return tag;
  }
  throw CheckFailure(path() + ": more frames inside the RTL than there are tags");
}

// --- what others may see ------------------------------------------------------------------------

/// Not yet wholly in the RTL; those of which a first part is count as inside.
unsigned FlitSwitch::waiting_frames() const {
  unsigned frames = 0;
  for (unsigned port = 0; port < ports(); ++port) {
    frames += static_cast<unsigned>(waiting_[port].size()) - (offered_[port] != 0 ? 1U : 0U);
  }
  return frames;
}

void FlitSwitch::waits(std::vector<std::string>& lines) const {
  AdaptiveSwitch::waits(lines);
  for (unsigned port = 0; port < ports(); ++port) {
    if (waiting_[port].empty()) continue;
    lines.push_back(
        fmt::format("{}: {} frames wait for input {} of the RTL, the first for output {}", path(),
                    waiting_[port].size(), port, waiting_[port].front().output));
  }
  if (!inside_.empty()) {
    lines.push_back(fmt::format("{}: {} frames are inside the RTL", path(), inside_.size()));
  }
}

FrameBalance FlitSwitch::balance() const {
  FrameBalance balance = AdaptiveSwitch::balance();
  balance.held += waiting_frames() + inside_.size();
  return balance;
}

void FlitSwitch::verify(bool drained) const {
  AdaptiveSwitch::verify(drained);
  if (drained && (!inside_.empty() || waiting_frames() != 0)) {
    throw CheckFailure(path() + ": frames left inside the RTL");
  }
}

}  // namespace heddle
