// What a leaf does where links fail: it tells and hears which links are alive, sprays over those
// that lead to the destination, and gives up cells that do not come.
#include <algorithm>

#include "switches/scheduled_leaf.h"

namespace heddle {

void ScheduledLeaf::expect_faults() {
  const std::size_t words = (place_.leaves + 63) / 64;
  healing_.reset(new Healing{
      LinkWatch(place_.fabric_links, clock_.cycles(config_.reachability_watchdog)),
      std::vector<std::vector<std::uint64_t>>(place_.fabric_links,
                                              std::vector<std::uint64_t>(words, ~std::uint64_t{0})),
      PartialPackets(place_.leaves), std::vector<std::uint64_t>(voqs_.size()),
      std::vector<std::uint64_t>(std::size_t{place_.leaves} * place_.hosts * class_count_),
      std::vector<Cycle>(place_.hosts)});
  wake(healing_reason(), healing_->next_hello);
  wake(healing_reason(), healing_->links.watchdog());  // a link may never be heard at all
}

void ScheduledLeaf::heal() {
  if (!healing_ || !due_.test(healing_reason())) return;
  due_.clear(healing_reason());
  const bool changed = healing_->links.expire(now());
  if (changed) note_link_change();
  if (changed || now() >= healing_->next_hello) say_hello();
  if (now() >= healing_->next_expiry) give_up_missing_cells();
  forgive_old_debts();
}

// --- links
// --------------------------------------------------------------------------------------

/// On every link, in turn and when something has changed.
void ScheduledLeaf::say_hello() {
  for (unsigned link = 0; link < place_.fabric_links; ++link) {
    Frame hello = control_frame(FrameKind::reachability, place_.leaf, 0, 0, 0);
    if (!healing_->links.hears(link)) hello.flags = frame_flag::off;
    to_fabric_.push(link, control, hello, 0);
    ++balance_.created;
  }
  if (now() < healing_->next_hello) return;
  healing_->next_hello = now() + clock_.cycles(config_.reachability_period);
  wake(healing_reason(), healing_->next_hello);
}

/// `hello.source` counts groups of 64 leaves; `flow` and `sequence` have a bit for each.
void ScheduledLeaf::heed_hello(unsigned link, const Frame& hello) {
  bool changed = healing_->links.heard(link, !hello.has(frame_flag::off), now());
  std::uint64_t& reached = healing_->reaches[link][hello.source];
  const std::uint64_t told = std::uint64_t{hello.flow} << 32 | hello.sequence;
  changed |= std::exchange(reached, told) != told;
  if (changed) note_link_change();
  wake(healing_reason(), now() + healing_->links.watchdog());
}

void ScheduledLeaf::note_link_change() {
  bool all = true;
  for (unsigned link = 0; link < place_.fabric_links; ++link) {
    for (unsigned leaf = 0; leaf < place_.leaves; ++leaf) {
      all &= leaf == place_.leaf || leads_to(link, leaf);
    }
  }
  healing_->all_usable = all;
  healing_->changed_at = now();
}

bool ScheduledLeaf::leads_to(unsigned link, unsigned leaf) const {
  return healing_->links.up(link) && (healing_->reaches[link][leaf / 64] >> leaf % 64 & 1) != 0;
}

/// The spray order passes by links that do not lead there; no_link when none does.
unsigned ScheduledLeaf::choose_usable_link(unsigned leaf) {
  for (unsigned n = 0; n < 2 * place_.fabric_links; ++n) {  // every link of a round at least once
    const unsigned link = spray_.next();
    if (leads_to(link, leaf)) return link;
  }
  const unsigned link = passable(0, leaf);
  return leads_to(link, leaf) ? link : no_link;
}

/// `link`, or the next one that leads to `leaf`.
unsigned ScheduledLeaf::passable(unsigned link, unsigned leaf) const {
  for (unsigned n = 0; n < place_.fabric_links; ++n) {
    const unsigned candidate = (link + n) % place_.fabric_links;
    if (leads_to(candidate, leaf)) return candidate;
  }
  return link;
}

// --- missing cells
// ------------------------------------------------------------------------------

void ScheduledLeaf::give_up_missing_cells() {
  const Cycle patience = clock_.cycles(config_.reassembly_timeout);
  Cycle oldest = never;
  for (unsigned source = 0; source < reassembler_.sources(); ++source) {
    if (reassembler_.held(source) == 0) continue;
    const auto lost = [&] {
      const std::uint32_t bytes = healing_->partial.damage(source);
      egress_.remove(bytes, now());
      reassembly_.remove(bytes, now());
    };
    const auto in_order = [&](const Frame& next) {
      ++balance_.consumed;
      complete_packets(next);
    };
    oldest = std::min(oldest, reassembler_.expire(source, now() - patience, lost, in_order));
  }
  healing_->next_expiry = oldest == never ? never : oldest + patience;
  if (oldest != never) wake(healing_reason(), healing_->next_expiry);
}

/// The packets that end in the cell, without one of which a piece is missing. What the cell has of
/// that one is held no longer.
std::uint32_t ScheduledLeaf::without_damaged(const Frame& cell) {
  const PartialPackets::Verdict verdict = healing_->partial.arrive(cell.source, cell);
  egress_.remove(verdict.useless_bytes, now());
  reassembly_.remove(verdict.useless_bytes, now());
  std::uint32_t first = cell.packet;
  if (verdict.first_is_lost && first != no_packet) {
    pay_back(port_of(packets_[first].frame.destination), newly_sent(packets_[first]));
    incomplete_.count(packets_[first].frame.kind);
    const std::uint32_t next = packets_[first].next;
    packets_.release(std::exchange(first, next));
  }
  for (std::uint32_t number = first; number != no_packet; number = packets_[number].next) {
    healing_->partial.complete(cell.source, stored_bytes(packets_[number].frame));
  }
  return first;
}

/// Bytes that the packet's VOQ has sent since its last packet that arrived, lost ones included: so
/// much less is owed to the port.
std::int64_t ScheduledLeaf::newly_sent(const PacketRecord& record) {
  const unsigned port = port_of(record.frame.destination);
  const unsigned leaf = record.frame.source / place_.hosts;
  std::uint64_t& settled =
      healing_->settled[(leaf * place_.hosts + port) * class_count_ + record.frame.traffic_class];
  healing_->latest_packet[port] = now();
  return static_cast<std::int64_t>(record.voq_bytes - std::exchange(settled, record.voq_bytes));
}

/// Credits that were lost, or whose packets were and no later one came: a port that is owed all it
/// may be and has received nothing for the credit watchdog grants again.
void ScheduledLeaf::forgive_old_debts() {
  const Cycle patience = clock_.cycles(config_.credit_watchdog);
  for (unsigned port = 0; port < place_.hosts; ++port) {
    CreditPort& p = credit_ports_[port];
    if (p.owed_bytes < place_.owed_bytes) continue;
    const Cycle due = healing_->latest_packet[port] + patience;
    if (now() < due) {
      wake(healing_reason(), due);
      continue;
    }
    p.owed_bytes = 0;
    look_at_credits(port);
  }
}

}  // namespace heddle
