#include "switches/scheduled_leaf.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace heddle {

namespace {

constexpr std::uint32_t reassembly_window_cells = 1U << 20;  // a bound, not a size: it grows on use

/// Credits leave at port rate times speed-up: one per credit / (rate * speed-up) cycles.
Pacer credit_pacer(const ScheduledConfig& config, const LinkRate& rate) {
  constexpr std::uint64_t million = 1'000'000;
  const auto speedup_ppm = static_cast<std::uint64_t>(std::llround(config.credit_speedup * 1e6));
  return Pacer(Pacer::Wide{config.credit.value} * rate.cycles * million,
               Pacer::Wide{rate.bytes} * speedup_ppm);
}

}  // namespace

SharedBuffer leaf_memory(const LeafPlace& place, const ScheduledConfig& config,
                         const std::vector<TrafficClassConfig>& classes) {
  SharedBufferConfig memory;
  memory.buffer = config.buffer;
  if (config.spill == Spill::hbm) memory.buffer.value -= config.hbm.read_buffer.value;
  memory.cell = config.buffer_cell;
  memory.headroom = config.headroom;
  const PausedLink cable{place.host_rate, place.host_latency, config.ingress_latency};
  const auto voqs = static_cast<unsigned>(classes.size() * place.leaves * place.hosts);
  return SharedBuffer(memory, voqs,
                      group_headroom(memory, std::vector<PausedLink>(place.hosts, cable), classes));
}

ScheduledLeaf::ScheduledLeaf(const sc_core::sc_module_name& module_name,
                             const Environment& environment, const LeafPlace& place,
                             const ScheduledConfig& config,
                             const std::vector<TrafficClassConfig>& classes)
    : Device(module_name, environment.clock, reasons(place)),
      packets_(environment.packets),
      place_(place),
      config_(config),
      classes_(classes),
      class_count_(static_cast<unsigned>(classes.size())),
      from_host_(place.hosts),
      from_fabric_(fabric_ports()),
      sram_(leaf_memory(place, config, classes)),
      voqs_(place.leaves * place.hosts, class_count_,
            static_cast<std::uint32_t>(config.credit.value), place.outstanding_credits,
            unbounded_frames),
      voq_classes_(classes, static_cast<std::uint32_t>(config.credit.value)),
      voq_pointer_(class_count_),
      segmenter_(config.segmentation, static_cast<std::uint32_t>(config.cell_payload.value),
                 static_cast<std::uint32_t>(config.cell_header.value)),
      spray_(config.spray, place.fabric_links,
             Lfsr(Rng(clock_.options().seed, path(), "spray").bits())),
      next_cell_(place.leaves),
      staging_limit_(config.staging_cells * (place.fabric_links + 1U)),
      to_fabric_(environment, id(), due_, to_fabric_reason(),
                 fabric_output_shape(fabric_ports(), config)),
      egress_threshold_bytes_(config.egress_threshold.value),
      reassembler_(place.leaves, reassembly_window_cells),
      to_hosts_(environment, id(), due_, to_host_reason(),
                {place.hosts, classes, place.largest_packet_bytes, unbounded_frames,
                 Release::last_byte}) {
  const LinkRate rate = LinkRate::of(place.host_rate, clock_);
  for (unsigned port = 0; port < place.hosts; ++port) {
    credit_ports_.push_back(
        {CreditScheduler(place.leaves, classes, static_cast<std::uint32_t>(config.credit.value),
                         static_cast<unsigned>(config.credit_slices)),
         credit_pacer(config, rate)});
  }
  if (config.spill == Spill::hbm) {
    const SpillPlace spill_place{id(), spill_reason(),
                                 place.largest_packet_bytes - ethernet_framing_bytes};
    spill_ =
        std::make_unique<SpillMemory>(environment, spill_place, config.hbm, voqs_, sram_, ingress_);
  }
}

void ScheduledLeaf::attach_host(unsigned port, Link& from_host, Link& to_host) {
  from_host.bind_receiver(id(), port, Delivery::tail, clock_.cycles(config_.ingress_latency));
  from_host_[port] = &from_host;
  to_hosts_.attach(port, to_host, Stage::egress_queue);
}

void ScheduledLeaf::attach_fabric(unsigned port, Link& from_fabric, Link& to_fabric) {
  from_fabric.bind_receiver(id(), from_fabric_reason() + port, Delivery::tail,
                            clock_.cycles(config_.egress_latency));
  from_fabric_[port] = &from_fabric;
  to_fabric_.attach(port, to_fabric, Stage::fabric_queue);
}

void ScheduledLeaf::attach_loopback(unsigned path, Link& loopback) {
  attach_fabric(place_.fabric_links + path, loopback, loopback);
}

unsigned ScheduledLeaf::next_loopback_port() {
  next_loopback_ = (next_loopback_ + 1) % place_.loopbacks;
  return place_.fabric_links + next_loopback_;
}

void ScheduledLeaf::cycle() {
  receive_from_memory();  // 0. packets written to external memory, packets read back
  receive_from_fabric();  // 1. status, credits; cells back in order, packets to egress queues
  receive_from_hosts();   // 2. packets into VOQs, requests for credits
  heal();                 //    where links fail: missing cells given up, links taken out
  watch_credits();        // 3. requests repeated for VOQs that wait too long
  grant_credits();        // 4. egress ports give credits
  segment();              // 5. VOQs with credits are cut into cells
  use_memory();           // 6. packets to external memory, and back
  send();                 // 7. fabric links and host links
}

// --- 0. and 6. external memory ------------------------------------------------------------------

void ScheduledLeaf::receive_from_memory() {
  if (!spill_) return;
  spill_->receive(now());
  announce_pauses();
}

void ScheduledLeaf::use_memory() {
  if (!spill_) return;
  due_.clear(spill_reason());
  spill_->transmit(now());
}

// --- 1. from the fabric -------------------------------------------------------------------------

void ScheduledLeaf::receive_from_fabric() {
  due_.take(from_fabric_reason(), to_host_reason(), [&](unsigned reason) {
    const unsigned port = reason - from_fabric_reason();
    take_arrivals(reason, [&](const Frame& frame) { accept_fabric_frame(port, frame); });
  });
}

void ScheduledLeaf::accept_fabric_frame(unsigned port, const Frame& frame) {
  const unsigned of_port = frame.flow / class_count_;
  const unsigned of_class = frame.flow % class_count_;
  switch (frame.kind) {
    case FrameKind::cell:
      return accept_cell(input(from_fabric_reason() + port), frame);
    case FrameKind::voq_status: {
      CreditScheduler& scheduler = credit_ports_[of_port].scheduler;
      scheduler.request(frame.source, of_class, frame.sequence);
      look_at_credits(of_port);
      const std::uint32_t granted = scheduler.granted(frame.source, of_class);
      if (frame.has(frame_flag::again)) {
        send_control(frame.source,
                     control_frame(FrameKind::credit, frame.source, of_port, of_class, granted));
      }
      break;
    }
    case FrameKind::credit: {
      const unsigned voq = voqs_.voq(frame.source * place_.hosts + of_port, of_class);
      voqs_.credit(voq, frame.sequence, now());
      if (spill_) spill_->credited(voq);
      ask_for_credits(voq);
      break;
    }
    case FrameKind::flow_control:
      to_fabric_.pause(port, cells, frame.has(frame_flag::off), now());
      break;
    case FrameKind::reachability:
      heed_hello(port, frame);
      break;
    default:
      throw CheckFailure("a host's frame on a fabric link");
  }
  ++balance_.consumed;
}

void ScheduledLeaf::accept_cell(const Input& from, const Frame& cell) {
  if (healing_ && reassembler_.is_late(cell.source, cell)) {
    ++balance_.consumed;
    return incomplete_.lose(packets_, cell);
  }
  for_each_packet(packets_, cell, [&](PacketRecord& record) { book_arrival(record, from, now()); });
  egress_.add(cell.payload_bytes, now());
  reassembly_.add(cell.payload_bytes, now());
  if (egress_.level() > config_.egress_buffer->value) {
    throw CheckFailure(fmt::format("egress memory overflows: {} B", egress_.level()));
  }
  reassembler_.arrive(
      cell.source, cell,
      [&](const Frame& next) {
        ++balance_.consumed;
        complete_packets(next);
      },
      now());
  if (healing_ && reassembler_.held(cell.source) != 0 && healing_->next_expiry == never) {
    healing_->next_expiry = now() + clock_.cycles(config_.reassembly_timeout);
    wake(healing_reason(), healing_->next_expiry);
  }
}

void ScheduledLeaf::complete_packets(const Frame& cell) {
  const std::uint32_t first = healing_ ? without_damaged(cell) : cell.packet;
  for (std::uint32_t number = first; number != no_packet;) {
    PacketRecord& record = packets_[number];
    record.spend(Stage::reassembly, now());
    number = record.next;
    record.next = no_packet;
    reassembly_.remove(stored_bytes(record.frame), now());
    ++balance_.created;
    const unsigned port = port_of(record.frame.destination);
    pay_back(port, healing_ ? newly_sent(record) : stored_bytes(record.frame));
    to_hosts_.push(port, record.frame.traffic_class, record.frame, 0);
  }
}

/// So much of what the port has granted has come. VOQs that have overdrawn make the account
/// negative, by a packet each at most, and ask for that much less later; forgetting it would in the
/// end leave the port owed what nobody sends. Where links fail, what was forgotten may come after
/// all.
void ScheduledLeaf::pay_back(unsigned port, std::int64_t bytes) {
  CreditPort& p = credit_ports_[port];
  if (p.owed_bytes >= place_.owed_bytes) look_at_credits(port);  // may grant again
  p.owed_bytes -= bytes;
  if (healing_) p.owed_bytes = std::max<std::int64_t>(0, p.owed_bytes);
}

// --- 2. from hosts ------------------------------------------------------------------------------

void ScheduledLeaf::receive_from_hosts() {
  due_.take(0, place_.hosts, [&](unsigned port) {
    take_arrivals(port, [&](const Frame& frame) { accept_host_frame(port, frame); });
  });
}

void ScheduledLeaf::accept_host_frame(unsigned port, Frame frame) {
  if (frame.kind == FrameKind::pause) {
    to_hosts_.pause(port, frame.traffic_class, frame.has(frame_flag::off), now());
    ++balance_.consumed;
    return;
  }
  const unsigned c = frame.traffic_class;
  book_arrival(packets_[frame.packet], input(port), now());
  const unsigned voq = voqs_.voq(frame.destination, c);
  const Admission admission =
      sram_.admit(group(port, c), voq, stored_bytes(frame), classes_[c].lossless);
  announce_pauses();
  if (!stored(admission)) {
    drops_.count(frame, admission,
                 config_.headroom.has_value() || to_hosts_.link(port).disturbed());
    packets_.release(frame.packet);
    return;
  }
  voqs_.enqueue(voq, frame, now());
  ingress_.add(stored_bytes(frame), now());
  if (spill_) spill_->joined(voq, group(port, c), frame);
  ask_for_credits(voq);
}

void ScheduledLeaf::announce_pauses() {
  sram_.take_xoff_changes([&](unsigned of_group, bool off) {
    to_hosts_.push_link_local(of_group / class_count_, pause_frame(of_group % class_count_, off));
    ++balance_.created;
  });
}

// --- 3. credits asked for -----------------------------------------------------------------------

void ScheduledLeaf::ask_for_credits(unsigned voq) {
  const auto credits = voqs_.request(voq);
  if (!credits) return;
  const unsigned destination = voqs_.destination_of(voq);
  const unsigned leaf = destination / place_.hosts;
  send_control(leaf, control_frame(FrameKind::voq_status, leaf, destination % place_.hosts,
                                   voqs_.class_of(voq), *credits));
  if (!watching_) {
    watching_ = true;
    watch_from_ = now();
    wake(watchdog_reason(), now() + clock_.cycles(config_.credit_watchdog));
  }
}

void ScheduledLeaf::watch_credits() {
  if (!due_.test(watchdog_reason())) return;
  due_.clear(watchdog_reason());
  const Cycle patience = clock_.cycles(config_.credit_watchdog);
  if (!watching_ || now() < watch_from_ + patience) return;
  watching_ = false;
  for (unsigned voq = 0; voq < voqs_.size(); ++voq) {
    if (voqs_.empty(voq)) continue;
    watching_ = true;
    const VoqBank::Account& account = voqs_.account(voq);
    if (account.balance_bytes > 0 || now() - account.last_news < patience) continue;
    const unsigned destination = voqs_.destination_of(voq);
    const unsigned leaf = destination / place_.hosts;
    Frame status = control_frame(FrameKind::voq_status, leaf, destination % place_.hosts,
                                 voqs_.class_of(voq), account.requested);
    status.flags = frame_flag::again;
    send_control(leaf, status);
  }
  watch_from_ = now();
  if (watching_) wake(watchdog_reason(), now() + patience);
}

// --- 4. credits granted -------------------------------------------------------------------------

void ScheduledLeaf::grant_credits() {
  due_.take(credit_reason(), segment_reason(),
            [&](unsigned reason) { grant_credit(reason - credit_reason()); });
}

void ScheduledLeaf::grant_credit(unsigned port) {
  CreditPort& p = credit_ports_[port];
  const auto allowed = [&] {
    return p.scheduler.wanted() && to_hosts_.queued_bytes(port) < egress_threshold_bytes_ &&
           p.owed_bytes < place_.owed_bytes;
  };
  if (p.pacer.due() <= now()) {
    p.armed = false;
    if (!allowed()) return;
    const CreditScheduler::Grant grant = p.scheduler.grant();
    p.pacer.spend(now());
    p.owed_bytes += static_cast<std::int64_t>(config_.credit.value);
    if (healing_ && p.owed_bytes >= place_.owed_bytes) wake(healing_reason(), now() + 1);
    ++credits_granted_;
    send_control(grant.leaf, control_frame(FrameKind::credit, grant.leaf, port, grant.traffic_class,
                                           grant.credits));
  }
  if (allowed() && !p.armed) {
    p.armed = true;
    wake(credit_reason() + port, std::max(p.pacer.due(), now() + 1));
  }
}

Frame ScheduledLeaf::control_frame(FrameKind kind, unsigned destination, unsigned port,
                                   unsigned traffic_class, std::uint32_t count) const {
  Frame frame;
  frame.kind = kind;
  frame.wire_bytes = static_cast<std::uint16_t>(config_.cell_header.value);
  frame.source = static_cast<std::uint16_t>(place_.leaf);
  frame.destination = static_cast<std::uint16_t>(destination);
  frame.flow = port * class_count_ + traffic_class;
  frame.sequence = count;
  return frame;
}

void ScheduledLeaf::send_control(unsigned leaf, Frame frame) {
  unsigned port = next_control_link_;
  if (leaf == place_.leaf) {
    port = next_loopback_port();
  } else {
    next_control_link_ = (next_control_link_ + 1) % place_.fabric_links;
    if (healing_) port = passable(port, leaf);
  }
  to_fabric_.push(port, control, frame, 0);
  ++balance_.created;
}

// --- 5. cells -----------------------------------------------------------------------------------

void ScheduledLeaf::segment() {
  due_.clear(segment_reason());
  for (unsigned n = 0; n < config_.cells_per_cycle; ++n) {
    if (staged_cells_ >= staging_limit_) return;  // a departing cell wakes us
    if (!segmenter_.busy() && !choose_voq()) return;
    emit_cell();
  }
  wake(segment_reason(), now() + 1);
}

bool ScheduledLeaf::choose_voq() {
  unsigned eligible = 0;
  for (unsigned c = 0; c < class_count_; ++c) {
    if (voqs_.sendable(c).any()) eligible |= 1U << c;
  }
  if (eligible == 0) return false;
  const unsigned c = voq_classes_.pick(static_cast<std::uint8_t>(eligible), [&](unsigned) {
    return static_cast<std::int64_t>(config_.credit.value);
  });
  const unsigned destination = voqs_.sendable(c).next_round(voq_pointer_[c]);
  voq_pointer_[c] = destination + 1;
  burst_bytes_ = static_cast<std::int64_t>(config_.credit.value);
  start_packet(voqs_.voq(destination, c));
  return true;
}

void ScheduledLeaf::start_packet(unsigned voq) {
  const VoqBank::Account account = voqs_.account(voq);
  PacketRecord& record = packets_[voqs_.front(voq).packet];
  const Cycle first = std::max(record.mark(), account.head_since);
  record.spend(Stage::voq_queue, first);
  record.spend(Stage::credit_wait, std::max(first, account.credited_since));
  const Frame packet = voqs_.pop(voq, now());
  burst_bytes_ -= stored_bytes(packet);
  if (healing_) record.voq_bytes = healing_->sent[voq] += stored_bytes(packet);
  if (spill_) cutting_read_back_ = spill_->left(voq, packet);
  segmenter_.start(voq, packet);
  ask_for_credits(voq);
}

void ScheduledLeaf::emit_cell() {
  const unsigned voq = segmenter_.voq();
  const unsigned leaf = voqs_.destination_of(voq) / place_.hosts;
  const Frame cell = segmenter_.cut(packets_, [&](const Frame& finished) {
    free_memory_of(voq, finished);
    ++balance_.consumed;
    if (burst_bytes_ <= 0 || !voqs_.may_send(voq)) return false;
    start_packet(voq);
    return true;
  });
  announce_pauses();
  stage_cell(leaf, cell);
}

void ScheduledLeaf::free_memory_of(unsigned voq, const Frame& packet) {
  const std::uint32_t bytes = stored_bytes(packet);
  if (cutting_read_back_) {
    spill_->sent(bytes);
  } else {
    sram_.release(group(port_of(packet.source), packet.traffic_class), voq, bytes);
  }
  ingress_.remove(bytes, now());
}

void ScheduledLeaf::stage_cell(unsigned leaf, Frame cell) {
  cell.source = static_cast<std::uint16_t>(place_.leaf);
  cell.destination = static_cast<std::uint16_t>(leaf);
  cell.sequence = next_cell_[leaf]++;
  const unsigned port = leaf == place_.leaf ? next_loopback_port() : choose_link(leaf);
  if (port == no_link) return unreachable_.lose(packets_, cell);
  to_fabric_.push(port, cells, cell, 0);
  ++staged_cells_;
  ++balance_.created;
}

// --- 7. links -----------------------------------------------------------------------------------

void ScheduledLeaf::send() {
  const bool blocked = staged_cells_ >= staging_limit_;
  to_fabric_.transmit(now(), [&](unsigned, const OutputPorts::Departure& out) {
    if (out.kind == FrameKind::cell) --staged_cells_;
  });
  if (blocked && staged_cells_ < staging_limit_) wake(segment_reason(), now() + 1);

  to_hosts_.transmit(now(), [&](unsigned port, const OutputPorts::Departure& out) {
    egress_.remove(out.wire_bytes - ethernet_framing_bytes, now());
    if (credit_ports_[port].scheduler.wanted()) wake(credit_reason() + port, now() + 1);
  });
}

// --- what others may see ------------------------------------------------------------------------

void ScheduledLeaf::input_failed(unsigned port, Cycle at) {
  if (port < place_.hosts) {
    to_hosts_.forget_pauses(port, at);
    return wake(to_host_reason() + port, at);
  }
  to_fabric_.forget_pauses(port - place_.hosts, at);
  wake(to_fabric_reason() + port - place_.hosts, at);
}

void ScheduledLeaf::output_restored(unsigned port, Cycle at) {
  if (port >= place_.hosts) return;  // a leaf takes all that elements send
  for (unsigned c = 0; c < class_count_; ++c) {
    if (!sram_.xoff(group(port, c))) continue;
    to_hosts_.push_link_local(port, pause_frame(c, true));
    ++balance_.created;
  }
  wake(to_host_reason() + port, at);
}

void ScheduledLeaf::waits(std::vector<std::string>& lines) const {
  for (unsigned voq = 0; voq < voqs_.size(); ++voq) {
    if (voq_packets(voq) == 0) continue;
    const VoqBank::Account account = this->account(voq);
    const unsigned destination = voqs_.destination_of(voq);
    lines.push_back(
        fmt::format("{}: {} packets for host {} of class {} wait for {}", path(), voq_packets(voq),
                    destination, voqs_.class_of(voq),
                    account.balance_bytes > 0
                        ? std::string(account.held ? "external memory" : "a fabric link")
                        : fmt::format("{} credits of leaf{}", account.requested - account.granted,
                                      destination / place_.hosts)));
  }
  for (unsigned source = 0; source < place_.leaves; ++source) {
    const Missing cells = missing(source);
    if (cells.waiting == 0) continue;
    lines.push_back(fmt::format("{}: {} cells wait for cell {} of leaf{}", path(), cells.waiting,
                                cells.expected, source));
  }
  to_fabric_.waits(path(), lines, [this](unsigned p, unsigned c) { return fabric_frames(p, c); });
  to_hosts_.waits(path(), lines, [this](unsigned p, unsigned c) { return host_frames(p, c); });
}

std::vector<BufferView> ScheduledLeaf::buffers() const {
  std::vector<BufferView> views{{"ingress", BufferRole::ingress, &ingress_, true},
                                {"egress", BufferRole::egress, &egress_, true},
                                {"reassembly", BufferRole::egress, &reassembly_}};
  if (spill_) views.push_back({"hbm", BufferRole::hbm, &spill_->occupancy(), true});
  for (unsigned port = 0; port < place_.hosts; ++port) {
    views.push_back(
        {fmt::format("egress_port{}", port), BufferRole::egress, &to_hosts_.occupancy(port)});
  }
  for (unsigned port = 0; port < place_.fabric_links; ++port) {
    views.push_back(
        {fmt::format("fabric_port{}", port), BufferRole::fabric, &to_fabric_.occupancy(port)});
  }
  return views;
}

std::vector<StateView> ScheduledLeaf::state() const {
  using Kind = StateView::Kind;
  std::vector<StateView> views;
  for (unsigned port = 0; port < place_.hosts; ++port) {
    views.push_back(
        pausing_view(port, class_count_, [=](unsigned c) { return sender_paused(port, c); }));
    const std::string name = fmt::format("egress_port{}", port);
    views.push_back(to_hosts_.paused_view(port, name));
    views.push_back(
        {name + "_wanted_credits", Kind::level, 64, [=] { return wanted_credits(port); }});
    views.push_back({name + "_owed_bytes", Kind::balance, 64,
                     [=] { return static_cast<std::uint64_t>(owed_bytes(port)); }});
  }
  for (unsigned port = 0; port < place_.fabric_links; ++port) {
    views.push_back(to_fabric_.paused_view(port, fmt::format("fabric_port{}", port)));
  }
  views.push_back({"granted_credits", Kind::level, 64, [this] { return credits_granted_; }});
  views.push_back({"free_cells", Kind::level, 32, [this] { return free_cells(); }});
  drops_.add_views(views);
  add_voq_views(views);
  return views;
}

/// The credit account of each VOQ.
void ScheduledLeaf::add_voq_views(std::vector<StateView>& views) const {
  using Kind = StateView::Kind;
  for (unsigned voq = 0; voq < voqs_.size(); ++voq) {
    const std::string name =
        fmt::format("voq_host{}_class{}", voqs_.destination_of(voq), voqs_.class_of(voq));
    views.push_back(
        {name + "_queued_bytes", Kind::level, 64, [=] { return account(voq).queued_bytes; }});
    views.push_back({name + "_balance_bytes", Kind::balance, 64,
                     [=] { return static_cast<std::uint64_t>(account(voq).balance_bytes); }});
    views.push_back({name + "_wanted_credits", Kind::level, 32, [=] {
                       const VoqBank::Account a = account(voq);
                       return std::uint64_t{a.requested - a.granted};
                     }});
  }
}

FrameBalance ScheduledLeaf::balance() const {
  FrameBalance balance = balance_;
  balance.received = frames_taken();
  balance.sent = to_hosts_.frames_sent() + to_fabric_.frames_sent();
  balance.held = voqs_.packets() + (segmenter_.busy() ? 1 : 0) + to_fabric_.held() +
                 reassembler_.held() + to_hosts_.held();
  balance.dropped = drops_.total();
  return balance;
}

void ScheduledLeaf::verify(bool drained) const {
  sram_.verify();
  if (spill_) spill_->verify(drained, path());
  if (!drained) return;
  // Pieces of lost packets stay until a later cell of their source shows that the rest is missing.
  const std::uint64_t pieces = pieces_bytes();
  if (used_cells() != 0 || egress_.level() != pieces || reassembly_.level() != pieces) {
    throw CheckFailure(fmt::format(
        "{}: left behind: {} cells of SRAM, {} B at egress, {} B in reassembly, of which "
        "{} B are pieces of lost packets",
        path(), used_cells(), egress_.level(), reassembly_.level(), pieces));
  }
}

bool ScheduledLeaf::credits_at_rest() const {
  return to_fabric_.held() == 0 &&
         std::none_of(credit_ports_.begin(), credit_ports_.end(),
                      [](const CreditPort& port) { return port.scheduler.wanted(); });
}

void ScheduledLeaf::verify_credits(const ScheduledLeaf& egress) const {
  for (unsigned port = 0; port < place_.hosts; ++port) {
    for (unsigned c = 0; c < class_count_; ++c) {
      const VoqBank::Account account =
          this->account(voqs_.voq(egress.place_.leaf * place_.hosts + port, c));
      const std::uint32_t granted = egress.granted(port, place_.leaf, c);
      const std::int64_t unspent = std::int64_t{account.granted} * config_.credit.value -
                                   static_cast<std::int64_t>(account.enqueued_bytes);
      // Where links fail, status and credits may be lost for ever: a VOQ that is empty repeats
      // none.
      if (healing_ && account.granted <= granted && granted <= account.requested) continue;
      if (account.granted != granted || account.requested != account.granted ||
          account.balance_bytes != unspent) {
        throw CheckFailure(fmt::format("{}: credits for port {} of {} in class {} do not add up",
                                       path(), port, egress.path(), c));
      }
    }
  }
}

}  // namespace heddle
