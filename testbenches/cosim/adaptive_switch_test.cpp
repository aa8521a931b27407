// adaptive_switch: model and RTL in lockstep, over routing, classes, pauses, sizes of the memory,
// rates and detours.
#include "switches/adaptive_switch.h"

#include <Vadaptive_switch_4.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "cosim/adaptive_switch_pins.h"
#include "cosim/device_twin.h"
#include "register_bus.h"

namespace heddle {
namespace {

constexpr AdaptiveSwitchShape shape{4, 16, 4, 1024, 8192};
constexpr unsigned smallest_packet_bytes = 82;  // on the wire: without payload

template <class T, std::size_t size>
T one_of(Rng& random, const T (&values)[size]) {
  return values[random.below(size)];
}

Rate draw_rate(Rng& random) {
  constexpr std::uint64_t rates_mbps[] = {400'000, 800'000,   106'250,  53'125,
                                          37'037,  2'133'336, 8'000'000};
  return {one_of(random, rates_mbps) * 1'000'000};
}

/// What the switch of a seed is.
struct Switch {
  std::vector<SwitchPort> ports;
  SwitchRoutes routes;
  AdaptiveConfig config;
  Routing routing;
  std::vector<TrafficClassConfig> classes;

  explicit Switch(Rng random) {
    draw_routes(random);
    draw_ports(random);
    draw_classes(random);
    draw_memory(random);
    draw_rules(random);
  }

  unsigned hosts() const { return static_cast<unsigned>(routes.group_of_host.size()); }
  bool cuts_through(unsigned port) const {
    return config.forwarding == Forwarding::cut_through &&
           std::none_of(ports.begin(), ports.end(),
                        [&](const SwitchPort& other) { return ports[port].rate < other.rate; });
  }

 private:
  /// A switch of hosts only, leaves with two or three uplinks, a spine with two links to each leaf.
  void draw_routes(Rng& random) {
    const std::vector<std::vector<std::uint16_t>> drawings[] = {
        {{0}, {1}, {2}, {3}}, {{0}, {1}, {2, 3}}, {{0}, {1, 2, 3}}, {{0, 1}, {2, 3}}};
    routes.ports_of_group = drawings[random.below(4)];
    const unsigned hosts = 4 + random.below(shape.hosts - 3);
    const auto groups = static_cast<std::uint32_t>(routes.ports_of_group.size());
    for (unsigned host = 0; host < hosts; ++host) {
      routes.group_of_host.push_back(
          static_cast<std::uint16_t>(host < groups ? host : random.below(groups)));
    }
  }

  void draw_ports(Rng& random) {
    const Rate usual = draw_rate(random);
    const bool mixed = random.below(3) == 0;
    for (unsigned port = 0; port < shape.ports; ++port) {
      const Rate rate = mixed ? draw_rate(random) : usual;
      const auto latency = static_cast<std::uint64_t>(1 + random.below(40)) * 1000;
      ports.push_back(
          {rate, Duration{latency}, port == 0 ? BufferRole::egress : BufferRole::ingress});
    }
  }

  void draw_classes(Rng& random) {
    const unsigned count = 1 + random.below(shape.classes);
    const double strict = draw_share(random);
    const double lossless = draw_share(random);
    for (unsigned c = 0; c < count; ++c) {
      classes.push_back(
          {random.uniform() < strict ? ClassScheduling::strict : ClassScheduling::weighted,
           1 + random.below(random.below(2) == 0 ? 4 : 255), random.uniform() < lossless});
    }
  }

  /// From a few packets up to more than the links can fill.
  void draw_memory(Rng& random) {
    constexpr std::uint64_t cells[] = {64, 144, 144, 256, 1000, 4096};
    constexpr double alphas[] = {1.0 / 128, 0.3, 1, 8, 128};
    SharedBufferConfig& memory = config.memory;
    memory.cell.value = one_of(random, cells);
    const auto groups = static_cast<std::uint32_t>(shape.ports * classes.size());
    const std::uint64_t headroom = random.below(4) == 0 ? 0 : random.below(500 / groups);
    const std::uint64_t rest = 1 + random.below(random.below(2) == 0 ? 40 : 500);
    memory.headroom = Bytes{headroom * memory.cell.value};
    memory.buffer.value = (headroom * groups + rest) * memory.cell.value;
    memory.alpha_lossless = one_of(random, alphas);
    memory.alpha_lossy = one_of(random, alphas);
    if (random.below(3) == 0) memory.xoff = Bytes{random.below(60) * memory.cell.value};
    memory.xon_offset.value = random.below(3) == 0 ? 0 : random.below(20'000);
    // Depths are whole cells, so kmin and kmax are, too, or else no queue is exactly as deep.
    const std::uint64_t unit = random.below(2) == 0 ? 1 : memory.cell.value;
    const auto steps = [&](std::uint32_t bytes) {
      return random.below(1 + bytes / static_cast<std::uint32_t>(unit)) * unit;
    };
    config.ecn.kmin.value = steps(30'000);
    config.ecn.kmax.value = config.ecn.kmin.value + steps(60'000);
    config.ecn.pmax = random.uniform();
  }

  void draw_rules(Rng& random) {
    config.forwarding =
        random.below(2) == 0 ? Forwarding::cut_through : Forwarding::store_and_forward;
    config.pipeline_latency.picoseconds = (1 + random.below(60)) * 1000;
    config.spray = random.below(2) == 0 ? SprayPolicy::round_robin : SprayPolicy::random;
    config.flowlet_gap.picoseconds = (1 + random.below(400)) * 1000;
    config.grade.value = 64 + random.below(20'000);
    config.grades = 2 + random.below(63);
    config.trimming = random.below(2) == 0;
    routing = static_cast<Routing>(random.below(4));
  }
};

/// How often what happens.
struct Habits {
  explicit Habits(Rng random)
      : sending{draw_share(random), draw_share(random), 1, 1},
        one_host(draw_share(random)),
        largest_payload(one_of(random, {0U, 200U, 1500U, 4096U, 9096U})),
        small(draw_share(random)),
        full(draw_share(random)),
        answers(draw_share(random) * 0.5),
        pausing(draw_share(random) * 0.05),
        going_on(0.005 + draw_share(random) * 0.3),
        obedient(draw_share(random)),
        detours(random.below(2) == 0 ? 0 : 0.01),
        events(random.below(2) == 0 ? 0 : 0.003),
        two_edges(draw_share(random)),
        flows(1 + random.below(20)) {}

  std::array<double, shape.ports> sending;
  double one_host;  ///< of the packets for host 0
  unsigned largest_payload;
  double small;  ///< share of packets of less than 64 B of payload
  double full;   ///< share of those as long as they may be: just a quantum
  double answers;
  double pausing;  ///< of the cycles, by class
  double going_on;
  double obedient;  ///< peers that listen to pauses
  double detours;
  double events;
  double two_edges;  ///< cycles that take two
  unsigned flows;
};

class AdaptiveSwitchTwin : public DeviceTwin<Vadaptive_switch_4> {
 public:
  static constexpr const char* name = "adaptive_switch";

  explicit AdaptiveSwitchTwin(std::uint64_t seed)
      : DeviceTwin(seed),
        of_(Rng(seed, name, "configuration")),
        habits_(Rng(seed, name, "habits")),
        pins_(*rtl.operator->(), shape),
        memory_(switch_memory(of_.ports, of_.config, of_.classes)),
        memory_thresholds_(memory_.thresholds()),
        ecn_(of_.config.ecn),
        bus_([](testing::RegisterBus&) {}) {
    for (unsigned port = 0; port < shape.ports; ++port) {
      const LinkRate rate = LinkRate::of(of_.ports[port].rate, 1000);
      add_port(rate, of_.ports[port].latency.picoseconds / 1000,
               of_.cuts_through(port) ? Delivery::head : Delivery::tail, rate);
      pins_.set_rate(port, rate);
    }
    const Environment here = environment();
    const unsigned longest = smallest_packet_bytes + habits_.largest_payload;  // what a quantum is
    box_ = std::make_unique<AdaptiveSwitch>(name, here, of_.ports, of_.routes, of_.config,
                                            of_.routing, of_.classes, longest);
    for (unsigned port = 0; port < shape.ports; ++port) box_->attach(port, in(port), out(port));
    const Cycle gap = here.clock.cycles(of_.config.flowlet_gap);
    const PathSelector selector({of_.routing, of_.config.spray, gap}, of_.routes.ports_of_group,
                                Rng(seed, name, "path"));
    pins_.set_classes(of_.classes, longest);
    pins_.set_memory(memory_, of_.config.memory, shape.ports, classes());
    pins_.set_ecn(of_.config.ecn);
    pins_.set_switching(of_.config, of_.routing, gap);
    pins_.set_routes(of_.routes, selector, Lfsr(Rng(seed, name, "marking").bits()));
    bus_.attach(box_->csr());
    views_ = box_->state();
    levels_ = box_->buffers();
  }

 private:
  unsigned classes() const { return static_cast<unsigned>(of_.classes.size()); }

  // --- stimulus ---------------------------------------------------------------------------------

  void stimulate() override {
    pins::set(rtl->forget_pauses_i, 0);
    pins::set(rtl->restored_i, 0);
    pins::set(rtl->set_rate_i, 0);
    pins::set(rtl->thresholds_changed_i, 0);
    told_ = false;
    for (unsigned port = 0; port < shape.ports; ++port) {
      if (in(port).ready(now())) send_something(port);
    }
    Rng& random = lockstep.random;
    if (random.uniform() < habits_.detours) change_detour();
    if (random.uniform() < habits_.events) change_link(random.below(shape.ports));
    if (random.uniform() < habits_.events) change_rate(random.below(shape.ports));
    if (random.uniform() < habits_.events) change_thresholds();
  }

  void send_something(unsigned port) {
    Rng& random = lockstep.random;
    const unsigned c = random.below(classes());
    const bool stopped = (stopped_[port] >> c & 1) != 0;
    if (random.uniform() < (stopped ? habits_.going_on : habits_.pausing)) {
      stopped_[port] ^= 1U << c;
      send(port, pause_frame(c, !stopped));
    } else if (random.uniform() < habits_.sending[port]) {
      if ((paused_[port] >> c & 1) == 0) send(port, packet(c));
    }
  }

  Frame packet(unsigned traffic_class) {
    Rng& random = lockstep.random;
    Frame frame;
    if (random.uniform() < habits_.answers) {
      frame.kind = static_cast<FrameKind>(1 + random.below(3));
    }
    frame.traffic_class = static_cast<std::uint8_t>(traffic_class);
    const bool small = random.uniform() < habits_.small;
    const bool full = random.uniform() < habits_.full;
    const unsigned most = std::min(habits_.largest_payload, small ? 63 : ~0U);
    unsigned payload = full ? most : random.below(1 + most);
    if (frame.kind != FrameKind::packet) payload = 0;
    frame.wire_bytes = static_cast<std::uint16_t>(smallest_packet_bytes + payload);
    frame.payload_bytes = static_cast<std::uint16_t>(payload);
    frame.flags = static_cast<std::uint8_t>(random.below(256) & random.below(256));
    frame.source = static_cast<std::uint16_t>(random.below(of_.hosts()));
    frame.destination = static_cast<std::uint16_t>(
        random.uniform() < habits_.one_host ? 0 : random.below(of_.hosts()));
    frame.flow = random.below(habits_.flows);
    frame.sequence = static_cast<std::uint32_t>(random.bits());
    frame.packet = new_packet();
    return frame;
  }

  /// A port learns what its peer wants, in some seeds.
  void left(unsigned port, const Frame& frame) override {
    if (frame.kind != FrameKind::pause) return release_packets(frame);
    const std::uint32_t bit = 1U << frame.traffic_class;
    const bool listens = lockstep.random.uniform() < habits_.obedient;
    if (listens && frame.has(frame_flag::off)) paused_[port] |= bit;
    if (!frame.has(frame_flag::off)) paused_[port] &= ~bit;
  }

  /// One port for one host or for all of them; back, or away.
  void change_detour() {
    Rng& random = lockstep.random;
    if (!detours_.empty() && random.below(2) == 0) {
      const auto at = detours_.begin() + random.below(static_cast<std::uint32_t>(detours_.size()));
      box_->set_reachable(at->port, at->hosts, true);
      detours_.erase(at);
    } else if (detours_.size() < 6) {
      const unsigned first = random.below(of_.hosts());
      const Detour detour{random.below(shape.ports),
                          random.below(3) == 0
                              ? HostRange{0, of_.hosts() - 1}
                              : HostRange{first, first + random.below(of_.hosts() - first)}};
      box_->set_reachable(detour.port, detour.hosts, false);
      detours_.push_back(detour);
    }
    for (unsigned host = 0; host < of_.hosts(); ++host) {
      for (unsigned port = 0; port < shape.ports; ++port) {
        pins_.set_withdrawn(host, port, is_withdrawn(host, port));
      }
    }
  }

  bool is_withdrawn(unsigned host, unsigned port) const {
    return std::any_of(detours_.begin(), detours_.end(), [&](const Detour& detour) {
      return detour.port == port && detour.hosts.first <= host && host <= detour.hosts.last;
    });
  }

  void change_link(unsigned port) {
    told_ = true;
    if (lockstep.random.below(2) == 0) {
      box_->input_failed(port, now() + 1);
      pins::set_bits(rtl->forget_pauses_i, port, 1, 1);
      stopped_[port] = 0;
    } else {
      box_->output_restored(port, now() + 1);
      pins::set_bits(rtl->restored_i, port, 1, 1);
    }
  }

  void change_rate(unsigned port) {
    told_ = true;
    const LinkRate rate = LinkRate::of(draw_rate(lockstep.random), 1000);
    out(port).set_rate(rate);
    pins_.change_rate(port, rate, out(port).backlog(now() + 1));
  }

  /// An operator writes to one of the registers that hold thresholds.
  void change_thresholds() {
    told_ = true;
    Rng& random = lockstep.random;
    const std::uint64_t alpha = 512 + random.below(random.below(2) == 0 ? 1 << 18 : 1 << 23);
    const std::uint64_t cells = random.below(memory_.shared_cells() + 1);
    if (random.below(4) == 0) {
      memory_thresholds_.alpha_lossy = alpha;
      write(0x140, 8, alpha);
    } else if (random.below(3) == 0) {
      memory_thresholds_.xon_offset_cells = cells;
      write(0x14c, 4, cells);
    } else if (memory_thresholds_.xoff_cells) {
      memory_thresholds_.xoff_cells = cells;
      write(0x148, 4, cells);
    } else {
      memory_thresholds_.alpha_lossless = alpha;
      write(0x138, 8, alpha);
    }
    pins_.set_thresholds(memory_thresholds_);
    pins::set(rtl->thresholds_changed_i, 1);
    if (random.below(2) == 0) return;
    ecn_.kmin.value = random.below(60'000);  // also above kmax
    write(0x120, 8, ecn_.kmin.value);
    pins_.set_ecn(ecn_);
  }

  void write(std::uint64_t address, unsigned bytes, std::uint64_t value) {
    testing::RegisterBus::Access access{tlm::TLM_WRITE_COMMAND, address, bytes};
    access.value = value;
    if (bus_.access(0, access).response != tlm::TLM_OK_RESPONSE) {
      throw CheckFailure(fmt::format("register {:#x} does not take {}", address, value));
    }
  }

  bool quiet() const override { return !told_; }

  /// Some cycles come in two edges, as they may in a fabric.
  void drive() override {
    if (lockstep.random.uniform() >= habits_.two_edges) return;
    const auto valid = rtl->in_valid_i;
    const auto local = rtl->local_valid_i;
    const unsigned ports = (1U << lockstep.random.below(shape.ports + 1)) - 1;
    pins::set(rtl->in_valid_i, valid & ports);
    pins::set(rtl->local_valid_i, local & ports);
    pins::set(rtl->more_i, 1);
    rtl.edge();
    for (unsigned port = 0; port < shape.ports; ++port) count_taken(port);
    pins::set(rtl->in_valid_i, valid & ~ports);
    pins::set(rtl->local_valid_i, local & ~ports);
    pins::set(rtl->more_i, 0);
    pins::set(rtl->forget_pauses_i, 0);
    pins::set(rtl->restored_i, 0);
    pins::set(rtl->set_rate_i, 0);
    pins::set(rtl->thresholds_changed_i, 0);
  }

  // --- state ------------------------------------------------------------------------------------

  void compare() override {
    lockstep.equal("full_o", 0, rtl->full_o);
    lockstep.equal("held_o", box_->balance().held, rtl->held_o);
    lockstep.equal("pauses_made_o", box_->balance().created, rtl->pauses_made_o);
    for (unsigned port = 0; port < shape.ports; ++port) {
      const auto index = static_cast<int>(port);
      const unsigned first = shape.pair(port, 0);
      lockstep.equal("paused_o", views_[2 * port].read(),
                     pins::get_bits(rtl->paused_o, first, shape.classes), index);
      lockstep.equal("xoff_o", views_[2 * port + 1].read(),
                     pins::get_bits(rtl->xoff_o, first, shape.classes), index);
      lockstep.equal("queued_bytes_o", levels_[3 + port].occupancy->level(),
                     pins::get_bits(rtl->queued_bytes_o, 40 * port, 40), index);
      lockstep.equal("grades_o", box_->grade_of(port), pins::get_bits(rtl->grades_o, 8 * port, 8),
                     index);
      if (clocked()) count_taken(port);
    }
    lockstep.equal("free_cells_o", views_[2 * shape.ports].read(), rtl->free_cells_o);
    for (unsigned reason = 0; reason < counts_.size(); ++reason) {
      const auto why = static_cast<Admission>(reason);
      if (stored(why)) continue;
      lockstep.equal("taken_admission_o", box_->drops().data(why) + box_->drops().answers(why),
                     counts_[reason], static_cast<int>(reason));
    }
    lockstep.equal("taken_marked_o", box_->marked(), marked_);
    lockstep.equal("taken_trimmed_o", box_->trimmed(), trimmed_);
  }

  void count_taken(unsigned port) {
    if (pins::get_bits(rtl->taken_valid_o, port, 1) == 0) return;
    ++counts_[pins::get_bits(rtl->taken_admission_o, 3 * port, 3)];
    marked_ += pins::get_bits(rtl->taken_marked_o, port, 1);
    trimmed_ += pins::get_bits(rtl->taken_trimmed_o, port, 1);
  }

  struct Detour {
    unsigned port;
    HostRange hosts;
  };

  Switch of_;
  Habits habits_;
  AdaptiveSwitchPins<Vadaptive_switch_4> pins_;
  std::unique_ptr<AdaptiveSwitch> box_;
  SharedBuffer memory_;  ///< as at the start
  SharedBuffer::Thresholds memory_thresholds_;
  EcnConfig ecn_;
  testing::RegisterBus bus_;
  std::vector<StateView> views_;
  std::vector<BufferView> levels_;
  std::vector<Detour> detours_;
  std::array<std::uint32_t, shape.ports> stopped_{};  // classes, by the peers
  std::array<std::uint32_t, shape.ports> paused_{};   // classes, by the switch
  bool told_ = false;                                 // something beside frames
  std::array<std::uint64_t, 6> counts_{};             // by Admission
  std::uint64_t marked_ = 0;
  std::uint64_t trimmed_ = 0;
};

HEDDLE_DEVICE_TWIN_TESTS(AdaptiveSwitchTwin, 60, 2500, 4000)

}  // namespace
}  // namespace heddle
