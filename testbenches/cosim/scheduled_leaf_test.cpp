// scheduled_leaf: model and RTL in lockstep. Hosts send packets and pauses; what stands for the
// other leaves asks for credits, grants them, sends cells out of order, and loses or repeats what
// it likes; a path inside the leaf gives back late what it was given.
#include "switches/scheduled_leaf.h"

#include <Vscheduled_leaf_4.h>

#include <algorithm>
#include <array>
#include <map>

#include "cosim/device_twin.h"
#include "cosim/scheduled_leaf_pins.h"

namespace heddle {
namespace {

constexpr LeafSizes sizes;
constexpr unsigned far_leaves_packets = 400;  // on their way through the leaf, at most

/// What the seed draws.
struct LeafDraw {
  explicit LeafDraw(std::uint64_t seed) {
    Rng random(seed, "scheduled_leaf", "habits");
    const auto any = [&](auto... values) {
      const std::array of{static_cast<std::uint64_t>(values)...};
      return of[random.below(of.size())];
    };
    place.leaves = static_cast<unsigned>(any(1, 2, 3, 4, 4));
    place.leaf = random.below(place.leaves);
    place.hosts = static_cast<unsigned>(any(1, 2, 3, 4, 4));
    place.fabric_links = static_cast<unsigned>(any(1, 2, 3, 4, 4));
    config.cells_per_cycle = any(1, 2, 3, 4);
    place.loopbacks = static_cast<unsigned>(config.cells_per_cycle);
    place.host_rate = Rate{any(100, 200, 400, 333) * 1'000'000'000};
    place.host_latency = Duration{5000};
    place.outstanding_credits = static_cast<std::uint32_t>(any(1, 2, 8, 64));
    place.owed_bytes = static_cast<std::int64_t>(any(3'000, 20'000, 1'000'000));
    place.largest_packet_bytes = 2100;
    const unsigned count = 1 + random.below(sizes.classes);
    for (unsigned c = 0; c < count; ++c) {
      classes.push_back({random.below(3) == 0 ? ClassScheduling::strict : ClassScheduling::weighted,
                         1 + random.below(4), random.below(3) != 0});
    }
    draw_config(random, any);
    const auto habit = [&](double least) { return std::max(least, draw_share(random)); };
    for (double* share : {&packets, &long_packets, &cells, &requests, &grants})
      *share = habit(0.02);
    for (double* share : {&unheeded, &pauses, &stops, &repeats, &losses, &disorder, &events}) {
      *share = draw_share(random);
    }
    hot = static_cast<unsigned>(any(0, 1, 4));
    const std::uint64_t round = any(0, 1, 2);
    round_wire = round == 1;
    round_stored = round == 2;
    for (unsigned port = 0; port < sizes.ports(); ++port) {
      const auto rate = [&] {
        const std::array<LinkRate, 6> rates{
            {{50, 1}, {25, 1}, {100, 3}, {272, 1}, {11, 1}, {7, 2}}};
        return rates[random.below(port < sizes.host_ports ? 4 : 6)];
      };
      in_rates.push_back(rate());
      out_rates.push_back(rate());
      latencies.push_back(1 + random.below(20));
    }
  }

  template <class Any>
  void draw_config(Rng& random, Any& any) {
    config.buffer_cell = Bytes{any(64, 144, 256)};
    config.buffer = Bytes{any(60, 200, 600) * config.buffer_cell.value};
    const std::uint64_t groups = place.hosts * classes.size();
    config.headroom = Bytes{any(0, 1, 3, 12) * config.buffer.value / (16 * groups)};
    config.credit = Bytes{any(64, 256, 1000, 4096)};
    config.credit_speedup = static_cast<double>(any(100, 500, 1050, 1337, 3999)) / 1000;
    config.credit_slices = any(1, 1, 2, 3, 9);
    config.credit_watchdog = Duration{any(100, 1000, 5000) * 1000};
    config.egress_threshold = Bytes{any(1024, 8000, 100'000)};
    config.egress_buffer = Bytes{16'000'000};
    config.segmentation = any(0, 1, 1) == 0 ? Segmentation::unpacked : Segmentation::packed;
    config.cell_payload = Bytes{any(64, 100, 256, 256, 310)};
    config.cell_header = Bytes{any(4, 16, 64)};
    config.spray = any(0, 1) == 0 ? SprayPolicy::random : SprayPolicy::round_robin;
    config.staging_cells = any(2, 5, 16);
    config.ingress_latency = Duration{any(1, 50) * 1000};
    config.egress_latency = Duration{any(1, 50) * 1000};
    healing = random.below(3) == 0;
    config.reachability_period = Duration{any(50, 500) * 1000};
    config.reachability_watchdog = Duration{any(200, 1200) * 1000};
    config.reassembly_timeout = Duration{any(30, 300) * 1000};
  }

  LeafPlace place{};
  ScheduledConfig config;
  std::vector<TrafficClassConfig> classes;
  bool healing = false;
  double packets = 0;       ///< of hosts, per cycle and link that is ready
  double long_packets = 0;  ///< share
  double unheeded = 0;      ///< share of packets sent in spite of a pause
  double pauses = 0;        ///< of hosts
  double stops = 0;         ///< of cells, by elements
  double cells = 0;         ///< of other leaves
  double requests = 0;      ///< of other leaves for credits
  double grants = 0;        ///< of other leaves
  double repeats = 0;       ///< share of control frames that come again
  double losses = 0;        ///< share of control frames and, when healing, of cells
  double disorder = 0;      ///< of cells
  double events = 0;        ///< of links
  unsigned hot = 0;         ///< so many of 8 packets are for host 0
  /// Sizes of packets, on wires or in memory, are multiples of 64 B, as thresholds and credits are:
  /// so that sums of them hit these exactly.
  bool round_wire = false;
  bool round_stored = false;
  std::vector<LinkRate> in_rates;
  std::vector<LinkRate> out_rates;
  std::vector<Cycle> latencies;
};

/// The C++ leaf, with what lockstep looks at.
class Model : public ScheduledLeaf {
 public:
  Model(const Environment& environment, const LeafDraw& draw)
      : ScheduledLeaf("leaf", environment, draw.place, draw.config, draw.classes) {
    if (draw.healing) expect_faults();
  }

  LeafMake make(const LeafDraw& draw) const {
    return {place_,
            config_,
            classes_,
            sram_,
            credit_ports_[0].pacer,
            spray_.random().state(),
            staging_limit_,
            draw.healing};
  }
  const CreditScheduler& scheduler(unsigned port) const { return credit_ports_[port].scheduler; }
  std::int64_t owed_bytes(unsigned port) const { return credit_ports_[port].owed_bytes; }
  const Reassembler& reassembler() const { return reassembler_; }
  const SharedBuffer& memory() const { return sram_; }
  const VoqBank& voqs() const { return voqs_; }
  const OutputPorts& to_hosts() const { return to_hosts_; }
  const OutputPorts& to_fabric() const { return to_fabric_; }
  const Occupancy& ingress() const { return ingress_; }
  const Occupancy& egress() const { return egress_; }
  const Occupancy& reassembly() const { return reassembly_; }
  std::uint64_t staged_cells() const { return staged_cells_; }
  bool heard(unsigned link) const { return !healing_ || healing_->links.hears(link); }
  bool used(unsigned link) const { return !healing_ || healing_->links.up(link); }
};

/// What a leaf far away does: asks for credits of this one and cuts packets for it, whether it has
/// credits or not, and grants those that this one asks for.
struct FarLeaf {
  std::uint32_t next_cell = 0;
  std::deque<Frame> cells;                    ///< cut, but not sent
  std::map<unsigned, std::uint32_t> asked;    ///< by flow: credits that this leaf has asked for
  std::map<unsigned, std::uint32_t> granted;  ///< by flow
  std::map<unsigned, std::uint32_t> wanted;   ///< by flow: credits asked of this leaf
};

class ScheduledLeafTwin : public DeviceTwin<Vscheduled_leaf_4> {
 public:
  static constexpr const char* name = "scheduled_leaf";

  explicit ScheduledLeafTwin(std::uint64_t seed)
      : DeviceTwin(seed),
        draw_(seed),
        far_(draw_.place.leaves),
        ends_(sizes.fabric_ports()),
        back_(sizes.fabric_ports()),
        sent_(sizes.voqs()) {
    for (unsigned port = 0; port < sizes.ports(); ++port) {
      add_port(draw_.in_rates[port], draw_.latencies[port], Delivery::tail, draw_.out_rates[port]);
      pins::set_rate(*rtl.operator->(), port, draw_.out_rates[port]);
    }
    model_ = std::make_unique<Model>(environment(), draw_);
    for (unsigned port = 0; port < draw_.place.hosts; ++port) {
      model_->attach_host(port, in(port), out(port));
    }
    for (unsigned port = 0; port < model_ports(); ++port) {
      model_->attach_fabric(port, in(pin_port(port)), out(pin_port(port)));
    }
    pins::set_leaf(*rtl.operator->(), sizes, model_->make(draw_), environment().clock);
  }

 private:
  static constexpr unsigned hosts = sizes.host_ports;

  // --- ports ------------------------------------------------------------------------------------

  unsigned model_ports() const { return draw_.place.fabric_links + draw_.place.loopbacks; }
  /// Of the model's fabric port: links come first, then paths inside.
  unsigned pin_port(unsigned fabric_port) const {
    const unsigned links = draw_.place.fabric_links;
    return hosts + (fabric_port < links ? fabric_port : sizes.fabric_links + fabric_port - links);
  }
  bool is_loopback(unsigned port) const { return port >= hosts + sizes.fabric_links; }
  bool chance(double share) { return lockstep.random.uniform() < share; }
  unsigned below(std::size_t bound) {
    return lockstep.random.below(static_cast<std::uint32_t>(bound));
  }

  void send_counted(unsigned port, const Frame& frame) {
    if (frame.kind == FrameKind::cell) ends_[port - hosts].push_back(ends_of(packets(), frame));
    send(port, frame);
  }

  // --- stimulus ---------------------------------------------------------------------------------

  void stimulate() override {
    if (chance(0.01 * draw_.events)) make_event(below(sizes.ports()));
    for (unsigned port = 0; port < draw_.place.hosts; ++port) host_sends(port);
    for (FarLeaf& leaf : far_) far_leaf_works(leaf);
    for (unsigned link = 0; link < draw_.place.fabric_links; ++link) element_sends(link);
    for (unsigned path = 0; path < draw_.place.loopbacks; ++path) {
      loopback_sends(hosts + sizes.fabric_links + path);
    }
  }

  /// Between this cycle and the next one, as a scenario's.
  void make_event(unsigned port) {
    const bool to_host = port < hosts;
    if (to_host ? port >= draw_.place.hosts : port >= hosts + draw_.place.fabric_links) return;
    const unsigned model_port = to_host ? port : draw_.place.hosts + port - hosts;
    quiet_ = false;
    switch (below(3)) {
      case 0:
        model_->input_failed(model_port, now() + 1);
        return pins::set_bits(rtl->input_failed_i, port, 1, 1);
      case 1:
        model_->output_restored(model_port, now() + 1);
        return pins::set_bits(rtl->output_restored_i, port, 1, 1);
      default:
        return change_rate(port, below(2) == 0 ? draw_.out_rates[port] : LinkRate{37, 2});
    }
  }

  void change_rate(unsigned port, const LinkRate& rate) {
    out(port).set_rate(rate);
    pins::set_rate(*rtl.operator->(), port, rate);
    pins::set_bits(rtl->set_rate_i, port, 1, 1);
    const std::int64_t busy = std::max(out(port).backlog(now() + 1), -std::int64_t{rate.bytes});
    pins::set_bits(rtl->set_rate_busy_i, 64 * port, 64, static_cast<std::uint64_t>(busy));
  }

  void host_sends(unsigned port) {
    if (!in(port).ready(now())) return;
    const unsigned c = below(draw_.classes.size());
    if (chance(0.01 * draw_.pauses)) return send(port, pause_frame(c, below(2) == 0));
    if (!chance(draw_.packets)) return;
    if (model_->memory().xoff(port * class_count() + c) && !chance(draw_.unheeded)) return;
    const unsigned all = draw_.place.leaves * draw_.place.hosts;
    const unsigned to = below(8) < draw_.hot ? 0 : below(all);
    Frame frame = packet(draw_.place.leaf * draw_.place.hosts + port, to, c);
    frame.packet = new_packet();
    send(port, frame);
  }

  Frame packet(unsigned source, unsigned destination, unsigned c) {
    unsigned bytes = chance(draw_.long_packets) ? 200 + below(1800) : 82 + below(200);
    if (draw_.round_wire) bytes = (bytes + 63) / 64 * 64;
    if (draw_.round_stored) bytes = (bytes + 43) / 64 * 64 + ethernet_framing_bytes;
    Frame frame = testing::data_packet(source, destination, static_cast<std::uint16_t>(bytes), c);
    if (below(4) == 0) frame.kind = FrameKind::ack;
    frame.flow = below(1000);
    frame.sequence = below(1000);
    return frame;
  }

  unsigned class_count() const { return static_cast<unsigned>(draw_.classes.size()); }
  unsigned number(const FarLeaf& leaf) const { return static_cast<unsigned>(&leaf - far_.data()); }
  bool is_far(const FarLeaf& leaf) const { return number(leaf) != draw_.place.leaf; }

  void far_leaf_works(FarLeaf& leaf) {
    if (!is_far(leaf)) return;
    if (leaf.cells.size() < 20 && far_packets_ < far_leaves_packets && chance(draw_.cells)) {
      cut_packets(leaf);
    }
  }

  /// As the leaf's own segmenter does.
  void cut_packets(FarLeaf& leaf) {
    const unsigned port = below(draw_.place.hosts);
    const unsigned c = below(class_count());
    Segmenter segmenter(draw_.config.segmentation,
                        static_cast<std::uint32_t>(draw_.config.cell_payload.value),
                        static_cast<std::uint32_t>(draw_.config.cell_header.value));
    unsigned left = 1 + below(4);
    const auto start = [&] {
      --left;
      ++far_packets_;
      Frame frame =
          packet(number(leaf) * draw_.place.hosts, draw_.place.leaf * draw_.place.hosts + port, c);
      frame.packet = new_packet();
      std::uint64_t& sent = sent_[sizes.voq(c, number(leaf), port)];
      packets()[frame.packet].voq_bytes = sent += stored_bytes(frame);
      segmenter.start(0, frame);
    };
    start();
    while (segmenter.busy()) {
      Frame cell = segmenter.cut(packets(), [&](const Frame&) {
        if (left == 0) return false;
        start();
        return true;
      });
      cell.source = static_cast<std::uint16_t>(number(leaf));
      cell.destination = static_cast<std::uint16_t>(draw_.place.leaf);
      cell.sequence = leaf.next_cell++;
      leaf.cells.push_back(cell);
    }
  }

  void element_sends(unsigned link) {
    const unsigned port = hosts + link;
    if (!in(port).ready(now()) || draw_.place.leaves == 1) return;
    if (chance(0.02 * draw_.stops)) return send(port, flow_control(below(2) == 0));
    FarLeaf& leaf = far_[below(far_.size())];
    if (draw_.healing && chance(0.01)) return send(port, hello());
    if (!is_far(leaf)) return;
    if (chance(0.3 * draw_.grants) && grant(leaf, port)) return;
    if (chance(0.3 * draw_.requests)) return request(leaf, port);
    if (!leaf.cells.empty() && chance(0.1 + draw_.cells)) send_cell(leaf, port);
  }

  Frame control(FrameKind kind, unsigned source, unsigned flow, std::uint32_t count) const {
    Frame frame;
    frame.kind = kind;
    frame.wire_bytes = static_cast<std::uint16_t>(draw_.config.cell_header.value);
    frame.source = static_cast<std::uint16_t>(source);
    frame.destination = static_cast<std::uint16_t>(draw_.place.leaf);
    frame.flow = flow;
    frame.sequence = count;
    return frame;
  }

  Frame flow_control(bool off) const {
    Frame frame = control(FrameKind::flow_control, 0, 0, 0);
    frame.flags = off ? frame_flag::off : std::uint8_t{0};
    return frame;
  }

  /// Mostly: all is well.
  Frame hello() {
    const std::uint64_t reached = below(4) != 0 ? ~std::uint64_t{0} : below(16);
    Frame frame = control(FrameKind::reachability, 0, static_cast<std::uint32_t>(reached >> 32),
                          static_cast<std::uint32_t>(reached));
    frame.flags = below(6) == 0 ? frame_flag::off : std::uint8_t{0};
    return frame;
  }

  /// One of the credits that this leaf has asked for.
  bool grant(FarLeaf& leaf, unsigned port) {
    for (auto& [flow, asked] : leaf.asked) {
      std::uint32_t& granted = leaf.granted[flow];
      if (granted == asked && !chance(0.1 * draw_.repeats)) continue;
      if (below(3) == 0) continue;
      if (granted != asked) granted += 1 + below(std::min(asked - granted, 3U));
      if (!chance(0.3 * draw_.losses)) {
        send(port, control(FrameKind::credit, number(leaf), flow, granted));
      }
      return true;
    }
    return false;
  }

  void request(FarLeaf& leaf, unsigned port) {
    const unsigned flow = below(draw_.place.hosts * class_count());
    const bool again = chance(0.3 * draw_.repeats);
    std::uint32_t& wanted = leaf.wanted[flow];
    wanted += again ? 0 : 1 + below(4);
    Frame frame = control(FrameKind::voq_status, number(leaf), flow, wanted - below(2));
    frame.flags = again ? frame_flag::again : std::uint8_t{0};
    send(port, frame);
  }

  void send_cell(FarLeaf& leaf, unsigned port) {
    const std::size_t which =
        chance(draw_.disorder) ? below(std::min<std::size_t>(leaf.cells.size(), 8)) : 0;
    const auto at = leaf.cells.begin() + static_cast<std::ptrdiff_t>(which);
    const Frame cell = *at;
    leaf.cells.erase(at);
    if (draw_.healing && chance(0.02 * draw_.losses)) {
      far_packets_ -= static_cast<unsigned>(ends_of(packets(), cell).size());
      return release_packets(cell);
    }
    send_counted(port, cell);
  }

  void loopback_sends(unsigned port) {
    std::deque<Frame>& frames = back_[port - hosts];
    if (frames.empty() || !in(port).ready(now())) return;
    if (frames.size() < 10 && !chance(0.5)) return;
    const Frame frame = frames.front();
    frames.pop_front();
    send_counted(port, frame);
  }

  // --- what the leaf sends ----------------------------------------------------------------------

  void left(unsigned port, const Frame& frame) override {
    if (frame.kind == FrameKind::cell) compare_ends(port, frame);
    if (is_loopback(port)) return back_[port - hosts].push_back(frame);
    if (frame.kind == FrameKind::voq_status) {
      std::uint32_t& asked = far_[frame.destination].asked[frame.flow];
      asked = std::max(asked, frame.sequence);
    }
    if (port < hosts && frame.packet != no_packet) {
      if (frame.source / draw_.place.hosts != draw_.place.leaf) --far_packets_;
    }
    if (frame.packet != no_packet) release_packets(frame);
  }

  void compare_ends(unsigned port, const Frame& cell) {
    const std::vector<CellEnd> ends = ends_of(packets(), cell);
    const unsigned fabric_port = port - hosts;
    lockstep.equal("out_ends_o", ends.size(), pins::get_bits(rtl->out_ends_o, 4 * fabric_port, 4),
                   static_cast<int>(fabric_port));
    unsigned at = fabric_port * sizes.ends;
    for (const CellEnd& end : ends) {
      equal_frame("out_end_frame_o", end.frame, pins::get_frame(rtl->out_end_frame_o, at),
                  static_cast<int>(at));
      if (draw_.healing) {
        lockstep.equal("out_end_sent_o", end.sent, pins::get_bits(rtl->out_end_sent_o, 64 * at, 64),
                       static_cast<int>(at));
      }
      ++at;
    }
  }

  // --- pins -------------------------------------------------------------------------------------

  bool quiet() const override { return quiet_ && now() < rtl->wake_o; }

  void drive() override {
    for (unsigned port = 0; port < sizes.fabric_ports(); ++port) {
      if (pins::get_bits(rtl->in_valid_i, hosts + port, 1) == 0) continue;
      if (pins::get_frame(rtl->in_frame_i, hosts + port).kind != FrameKind::cell) continue;
      pins::set_ends(*rtl.operator->(), sizes, port, ends_[port].front());
      ends_[port].pop_front();
    }
  }

  void compare() override {
    if (clocked()) count_strobes();
    end_events();
    compare_totals();
    for (unsigned port = 0; port < draw_.place.hosts; ++port) compare_host_port(port);
    for (unsigned port = 0; port < model_ports(); ++port) compare_fabric_port(port);
    for (unsigned n = 0; n < 4; ++n) compare_voq(probe_ = (probe_ + 1) % sizes.voqs());
  }

  void end_events() {
    quiet_ = true;
    pins::set(rtl->set_rate_i, 0);
    pins::set(rtl->input_failed_i, 0);
    pins::set(rtl->output_restored_i, 0);
  }

  void count_strobes() {
    for (unsigned port = 0; port < draw_.place.hosts; ++port) {
      if (pins::get_bits(rtl->in_valid_i, port, 1) == 0) continue;
      const auto admission = static_cast<Admission>(pins::get_bits(rtl->admission_o, 3 * port, 3));
      if (stored(admission)) continue;
      const Frame frame = pins::get_frame(rtl->in_frame_i, port);
      drops_.count(frame, admission, true);
    }
    lost_ += rtl->losses_o;
    for (unsigned port = 0; port < sizes.fabric_ports(); ++port) {
      if (pins::get_bits(rtl->late_o, port, 1) != 0)
        lost_ += pins::get_bits(rtl->in_ends_i, 4 * port, 4);
    }
    ingress_peak_ = std::max<std::uint64_t>(ingress_peak_, rtl->ingress_peak_o);
    egress_peak_ = std::max<std::uint64_t>(egress_peak_, rtl->egress_peak_o);
    reassembly_peak_ = std::max<std::uint64_t>(reassembly_peak_, rtl->reassembly_peak_o);
  }

  void compare_totals() {
    const FrameBalance balance = model_->balance();
    lockstep.equal("created_o", balance.created, rtl->created_o);
    lockstep.equal("consumed_o", balance.consumed, rtl->consumed_o);
    lockstep.equal("held_o", balance.held, rtl->held_o);
    lockstep.equal("credits_granted_o", model_->credits_granted(), rtl->credits_granted_o);
    lockstep.equal("free_cells_o", model_->memory().free_cells(), rtl->free_cells_o);
    lockstep.equal("used_cells_o", model_->memory().used_cells(), rtl->used_cells_o);
    lockstep.equal("staged_cells_o", model_->staged_cells(), rtl->staged_cells_o);
    lockstep.equal("ingress_bytes_o", model_->ingress().level(), rtl->ingress_bytes_o);
    lockstep.equal("ingress_peak_o", model_->ingress().peak_bytes(), ingress_peak_);
    lockstep.equal("egress_bytes_o", model_->egress().level(), rtl->egress_bytes_o);
    lockstep.equal("egress_peak_o", model_->egress().peak_bytes(), egress_peak_);
    lockstep.equal("reassembly_bytes_o", model_->reassembly().level(), rtl->reassembly_bytes_o);
    lockstep.equal("reassembly_peak_o", model_->reassembly().peak_bytes(), reassembly_peak_);
    for (const Admission reason :
         {Admission::drop_threshold, Admission::drop_pool, Admission::drop_headroom}) {
      lockstep.equal("admission_o", model_->drops().data(reason) + model_->drops().answers(reason),
                     drops_.data(reason) + drops_.answers(reason), static_cast<int>(reason));
    }
    const LostPackets lost = LostPackets(model_->unreachable()) += model_->incomplete();
    lockstep.equal("losses_o", lost.packets + lost.answers, lost_);
    lockstep.equal("links_changed_at_o", model_->links_changed_at(), rtl->links_changed_at_o);
  }

  void compare_host_port(unsigned port) {
    const auto index = static_cast<int>(port);
    for (unsigned c = 0; c < class_count(); ++c) {
      const unsigned group = port * sizes.classes + c;
      lockstep.equal("xoff_o", model_->memory().xoff(port * class_count() + c),
                     pins::get_bits(rtl->xoff_o, group, 1), static_cast<int>(group));
      lockstep.equal("host_paused_o", model_->to_hosts().pause_state(port).mask() >> c & 1,
                     pins::get_bits(rtl->host_paused_o, group, 1), static_cast<int>(group));
    }
    lockstep.equal("owed_bytes_o", static_cast<std::uint64_t>(model_->owed_bytes(port)),
                   pins::get_bits(rtl->owed_bytes_o, 64 * port, 64), index);
    lockstep.equal("wanted_credits_o", model_->scheduler(port).outstanding(),
                   pins::get_bits(rtl->wanted_credits_o, 32 * port, 32), index);
    lockstep.equal("queued_bytes_o", model_->to_hosts().queued_bytes(port),
                   pins::get_bits(rtl->queued_bytes_o, 64 * port, 64), index);
  }

  void compare_fabric_port(unsigned port) {
    const unsigned pin = pin_port(port);
    lockstep.equal("queued_bytes_o", model_->to_fabric().queued_bytes(port),
                   pins::get_bits(rtl->queued_bytes_o, 64 * pin, 64), static_cast<int>(pin));
    lockstep.equal("fabric_paused_o", model_->to_fabric().pause_state(port).mask() & 1,
                   pins::get_bits(rtl->fabric_paused_o, pin - hosts, 1), static_cast<int>(pin));
    if (is_loopback(pin)) return;
    lockstep.equal("link_heard_o", model_->heard(port), pins::get_bits(rtl->link_heard_o, port, 1),
                   static_cast<int>(port));
    lockstep.equal("link_used_o", model_->used(port), pins::get_bits(rtl->link_used_o, port, 1),
                   static_cast<int>(port));
  }

  void compare_voq(unsigned probe) {
    const unsigned port = probe % sizes.host_ports;
    const unsigned leaf = probe / sizes.host_ports % sizes.leaves;
    const unsigned c = probe / sizes.host_ports / sizes.leaves;
    if (port >= draw_.place.hosts || leaf >= draw_.place.leaves || c >= class_count()) return;
    const unsigned voq = model_->voqs().voq(leaf * draw_.place.hosts + port, c);
    const VoqBank::Account& account = model_->voqs().account(voq);
    pins::set(rtl->probe_voq_i, probe);
    rtl.settle();
    const auto index = static_cast<int>(probe);
    lockstep.equal("probe_enqueued_bytes_o", account.enqueued_bytes, rtl->probe_enqueued_bytes_o,
                   index);
    lockstep.equal("probe_queued_bytes_o", account.queued_bytes, rtl->probe_queued_bytes_o, index);
    lockstep.equal("probe_balance_bytes_o", static_cast<std::uint64_t>(account.balance_bytes),
                   rtl->probe_balance_bytes_o, index);
    lockstep.equal("probe_packets_o", model_->voqs().length(voq), rtl->probe_packets_o, index);
    lockstep.equal("probe_requested_o", account.requested, rtl->probe_requested_o, index);
    lockstep.equal("probe_granted_o", account.granted, rtl->probe_granted_o, index);
    lockstep.equal("probe_port_granted_o", model_->scheduler(port).granted(leaf, c),
                   rtl->probe_port_granted_o, index);
    lockstep.equal("probe_expected_cell_o", model_->reassembler().expected(leaf),
                   rtl->probe_expected_cell_o, index);
    lockstep.equal("probe_waiting_cells_o", model_->reassembler().held(leaf),
                   rtl->probe_waiting_cells_o, index);
    lockstep.equal("probe_group_cells_o", model_->memory().group_cells(port * class_count() + c),
                   rtl->probe_group_cells_o, index);
    lockstep.equal("probe_host_frames_o", model_->to_hosts().queued_frames(port, c),
                   rtl->probe_host_frames_o, index);
  }

  LeafDraw draw_;
  std::unique_ptr<Model> model_;
  std::vector<FarLeaf> far_;
  std::vector<std::deque<std::vector<CellEnd>>> ends_;  ///< by fabric port: of cells under way
  std::vector<std::deque<Frame>> back_;                 ///< by fabric port: inside the leaf
  std::vector<std::uint64_t> sent_;                     ///< by VOQ of other leaves
  unsigned far_packets_ = 0;
  unsigned probe_ = 0;
  bool quiet_ = true;
  DropCounts drops_;
  std::uint64_t lost_ = 0;
  std::uint64_t ingress_peak_ = 0;
  std::uint64_t egress_peak_ = 0;
  std::uint64_t reassembly_peak_ = 0;
};

HEDDLE_DEVICE_TWIN_TESTS(ScheduledLeafTwin, 60, 5000, 3000)

}  // namespace
}  // namespace heddle
