// Case 11: the headroom that a lossless group needs, against the vendor's rule for it. The
// reference demands of the headroom measured at xoff with worst-case packets: at most what the
// calculator says and no drop; with 30 % less, drops appear.
//
// A host sends without a break through two switches to a sink that takes next to nothing. The
// second switch pauses the first, which passes nothing on from then on, reaches xoff, and pauses
// the host. What the host's group still takes in then is the headroom it needs. All that the rule
// allows for is there, at its worst:
//  - packets that leave all but one byte of their last cell empty: 145 B in two cells of 144 B;
//  - another host keeps the way back busy with packets of 9,216 B, and one of them starts in the
//    last cycle before the pause could;
//  - the cable, both ways;
//  - 0.8 KiB for MAC and PHY and 3.8 KiB for the peer's reaction. Heddle has one place for such a
//    time, the pipeline between link and admission; its hosts react at once.
// The rule counts 2.25 bytes of memory per byte, as if packets of 64 B followed each other without
// preamble and gap. On Ethernet the worst is 288 B in the time of 165 B, 1.75; so the measured
// headroom is some three quarters of the calculated one.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "device_bench.h"
#include "endpoints/nic.h"
#include "engine/calculator.h"
#include "engine/child_process.h"
#include "engine/headroom.h"
#include "switches/adaptive_switch.h"

namespace heddle::testing {
namespace {

constexpr Bytes cell = 144_B;
constexpr std::uint64_t small_stored = cell.value + 1;
constexpr std::uint64_t small_memory = 2 * cell.value;
constexpr std::uint64_t large_stored = 9216;
constexpr std::uint64_t header = 62;  // RoCEv2
constexpr std::uint64_t xoff = 200 * small_memory;
const std::vector<TrafficClassConfig> classes{{ClassScheduling::weighted, 1, true},
                                              {ClassScheduling::strict, 1, false}};

double bytes_per_ns(Rate rate) { return static_cast<double>(rate.bits_per_second) / 8e9; }

/// Notes what starts on the link from the first switch to the paused host, until the pause does.
class WayBack : public LinkProbe {
 public:
  void started(const Frame& frame, Cycle now) override {
    if (!paused_) starts_.push_back(now);
    paused_ |= frame.kind == FrameKind::pause;
  }
  bool paused() const { return paused_; }
  /// The last one is that of the pause.
  const std::vector<Cycle>& starts() const { return starts_; }

 private:
  bool paused_ = false;
  std::vector<Cycle> starts_;
};

struct Setting {
  Rate rate;
  double metres;
  Duration pipeline;
  std::optional<Bytes> headroom;  ///< absent: automatic
};

/// Hosts 0 (to be paused) and 1 (large packets to host 0) on one switch, host 2 (the sink) on the
/// next.
class Line {
 public:
  /// `large_from`: when the large packets are due; absent: never.
  Line(const Setting& setting, std::optional<Cycle> large_from)
      : setting_(setting),
        near_config_(switch_config(xoff, setting.headroom)),
        far_config_(switch_config(34 * small_memory, 8_MiB)),
        near_(make_switch("near", {setting.rate, setting.rate, setting.rate}, {0, 1, 2},
                          near_config_)),
        far_(make_switch("far", {setting.rate, trickle}, {0, 0, 1}, far_config_)) {
    Link& forth = lay(setting.rate);
    Link& back = lay(setting.rate);
    near_->attach(2, back, forth);
    far_->attach(0, forth, back);
    std::vector<Message> large;
    if (large_from) large.push_back(message(1, 0, 200 * (large_stored - header), *large_from));
    add_host(*near_, 0, small_stored, {message(0, 2, 6000 * (small_stored - header), 0)})
        .attach(&way_back_);
    add_host(*near_, 1, large_stored, large);
    add_host(*far_, 1, small_stored, {});
  }

  /// Runs until nothing moves but large packets: both switches have filled, the pause has come
  /// through, the cable has emptied. That takes less than 1 MB of link time.
  nlohmann::ordered_json run() {
    bench_.run(static_cast<Cycle>(1e6 / bytes_per_ns(setting_.rate)));
    near_->verify(false);
    far_->verify(false);
    const std::vector<BufferView> views = near_->buffers();
    const auto queue = std::find_if(views.begin(), views.end(),
                                    [](const BufferView& view) { return view.queue == "port2"; });
    const std::uint64_t packets =
        queue->occupancy->level() / (small_stored + ethernet_framing_bytes);
    return {{"memory", packets * small_memory},
            {"drops", near_->drops().total()},
            {"far_drops", far_->drops().total()},
            {"paused", way_back_.paused()},
            {"starts", way_back_.starts()}};
  }

 private:
  static constexpr Rate trickle = 10_Mbps;

  AdaptiveConfig switch_config(std::uint64_t xoff_bytes, std::optional<Bytes> headroom) const {
    AdaptiveConfig config;
    config.memory.cell = cell;
    config.memory.xoff = Bytes{xoff_bytes};
    config.memory.headroom = headroom;
    config.pipeline_latency = setting_.pipeline;
    return config;
  }

  std::unique_ptr<AdaptiveSwitch> make_switch(const char* name, const std::vector<Rate>& rates,
                                              const std::vector<std::uint16_t>& port_of_host,
                                              const AdaptiveConfig& config) {
    std::vector<SwitchPort> ports;
    SwitchRoutes routes{port_of_host, {}};
    for (const Rate rate : rates) {
      routes.ports_of_group.push_back({static_cast<std::uint16_t>(ports.size())});
      ports.push_back({rate, cable_latency(setting_.metres), BufferRole::egress});
    }
    return std::make_unique<AdaptiveSwitch>(name, bench_.environment(), ports, routes, config,
                                            Routing::adaptive, classes, large_stored + 100);
  }

  Link& lay(Rate rate) {
    const Cycle latency = bench_.clock().cycles(cable_latency(setting_.metres));
    return bench_.link(LinkRate::of(rate, 1000), latency);
  }

  static Message message(MessageId id, HostId to, std::uint64_t bytes, Cycle due) {
    Message message;
    message.id = id;
    message.source = static_cast<HostId>(id);
    message.destination = to;
    message.traffic_class = static_cast<std::uint8_t>(id);
    message.bytes = bytes;
    message.due = due;
    return message;
  }

  /// The link to the new host, which sends packets of `stored` bytes and hardly ever an answer.
  Link& add_host(AdaptiveSwitch& device, unsigned port, std::uint64_t stored,
                 const std::vector<Message>& messages) {
    const auto number = static_cast<HostId>(hosts_.size());
    const Rate rate = number == 2 ? trickle : setting_.rate;
    configs_.push_back(std::make_unique<NicConfig>());
    configs_.back()->mtu = Bytes{stored - header};
    configs_.back()->ack_interval = 65'536;
    sources_.push_back(std::make_unique<TrafficSource>(messages, std::vector<MessageGenerator>{}));
    hosts_.push_back(std::make_unique<Nic>(("host" + std::to_string(number)).c_str(),
                                           bench_.environment(), number, 3, *configs_.back(),
                                           classes, rate, *sources_.back(), log_, events_));
    Link& up = lay(rate);
    Link& down = lay(rate);
    device.attach(port, up, down);
    hosts_.back()->attach(down, up);
    return down;
  }

  Setting setting_;
  Workbench bench_;
  AdaptiveConfig near_config_;
  AdaptiveConfig far_config_;
  DeliveryLog log_{0, [](HostId, HostId, std::uint64_t) { return Cycle{1}; }};
  MessageEvents events_{[](const Message&, Cycle) {}, [](const Message&, Cycle) {}};
  std::unique_ptr<AdaptiveSwitch> near_;
  std::unique_ptr<AdaptiveSwitch> far_;
  std::vector<std::unique_ptr<NicConfig>> configs_;
  std::vector<std::unique_ptr<TrafficSource>> sources_;
  std::vector<std::unique_ptr<Nic>> hosts_;
  WayBack way_back_;
};

/// What a run shows; times in cycles of 1 ns.
struct Found {
  std::uint64_t headroom = 0;  ///< bytes of memory that the paused host's group held beyond xoff
  std::uint64_t drops = 0;
  std::vector<Cycle> starts;  ///< on the way back; the last one is that of the pause
};

Found run(const Setting& setting, std::optional<Cycle> large_from) {
  ChildProcess child({}, {},
                     [&](const Scenario&, const RunOptions&) {
                       return RunOutcome{RunStatus::done, "", Line(setting, large_from).run()};
                     },
                     {});
  while (child.receive([](const Progress&) {})) {
  }
  const ChildProcess::End end = child.end();
  EXPECT_EQ(end.exit_code, 0) << end.explanation;
  if (!end.outcome) throw std::runtime_error("no results");
  const nlohmann::ordered_json& results = end.outcome->results;
  if (!results.at("paused").get<bool>()) throw std::runtime_error("the host was never paused");
  EXPECT_EQ(results.at("far_drops"), 0U);
  return {results.at("memory").get<std::uint64_t>() - xoff,
          results.at("drops").get<std::uint64_t>(), results.at("starts").get<std::vector<Cycle>>()};
}

/// When the large packets must be due for one of them to start in the cycle before the pause.
Cycle worst_moment(const Setting& setting) {
  const Cycle pause = run(setting, std::nullopt).starts.back();
  const std::vector<Cycle> starts = run(setting, 0).starts;
  const auto after = std::lower_bound(starts.begin(), std::prev(starts.end()), pause);
  EXPECT_NE(after, starts.begin()) << "no large packet before the pause";
  return pause - 1 - *std::prev(after);
}

struct Row {
  Rate rate;
  double metres;
};

/// The columns and rows of the vendor's table.
std::vector<Row> rows() {
  std::vector<Row> all;
  for (const double metres : {5., 40., 300.}) {
    for (const Rate rate : {10_Gbps, 25_Gbps, 40_Gbps, 50_Gbps, 100_Gbps, 200_Gbps, 400_Gbps}) {
      all.push_back({rate, metres});
    }
  }
  return all;
}

class Case11MeasuredHeadroom : public ::testing::TestWithParam<Row> {
 protected:
  /// As the vendor allows: as many bytes in the pipeline as MAC, PHY and the peer may take.
  Setting setting(std::optional<Bytes> headroom) const {
    constexpr double allowed_bytes = 819.2 + 3891.2;  // sonic-swss, buffer_headroom_mellanox.lua
    const auto pipeline = static_cast<std::uint64_t>(allowed_bytes / bytes_per_ns(GetParam().rate));
    return {GetParam().rate, GetParam().metres, Duration{pipeline * 1000}, headroom};
  }
  Bytes calculated() const {
    return {headroom_profile(GetParam().rate, GetParam().metres, cell, 0_B, 3891.2, false).xoff};
  }
};

TEST_P(Case11MeasuredHeadroom, IsAtMostTheCalculatedAndMoreThanSeventyPercentOfIt) {
  const Bytes whole = calculated();
  const Cycle worst = worst_moment(setting(whole));
  const Found found = run(setting(whole), worst);
  const std::vector<Cycle>& starts = found.starts;
  const double large_ns = (large_stored + ethernet_framing_bytes) / bytes_per_ns(GetParam().rate);
  ASSERT_GE(starts.size(), 2U);
  EXPECT_NEAR(static_cast<double>(starts.back() - starts[starts.size() - 2]), large_ns, 1)
      << "the pause waits for a whole large packet";
  const double share = static_cast<double>(found.headroom) / static_cast<double>(whole.value);
  RecordProperty("measured_over_calculated", std::to_string(share));
  EXPECT_EQ(found.drops, 0U);
  EXPECT_LE(found.headroom, whole.value);
  EXPECT_GT(run(setting(Bytes{whole.value * 7 / 10}), worst).drops, 0U)
      << "measured " << found.headroom << " of " << whole.value;
  // What was measured is what is needed: it suffices, and one cell less does not.
  EXPECT_EQ(run(setting(Bytes{found.headroom}), worst).drops, 0U);
  EXPECT_GT(run(setting(Bytes{found.headroom - cell.value}), worst).drops, 0U);
}

// `adaptive.memory.headroom: auto` adds the pipeline of Heddle's own switch, 450 ns by default.
TEST_P(Case11MeasuredHeadroom, AutomaticHeadroomHoldsWithTheDefaultPipeline) {
  const Duration pipeline = AdaptiveConfig().pipeline_latency;
  const Setting automatic{GetParam().rate, GetParam().metres, pipeline, std::nullopt};
  const Found found = run(automatic, worst_moment(automatic));  // a drop would end the run
  EXPECT_EQ(found.drops, 0U);
  EXPECT_GT(found.headroom, 0U);
}

std::string row_name(const ::testing::TestParamInfo<Row>& row) {
  return std::to_string(row.param.rate.bits_per_second / 1'000'000'000) + "G" +
         std::to_string(static_cast<unsigned>(row.param.metres)) + "m";
}
INSTANTIATE_TEST_SUITE_P(Rows, Case11MeasuredHeadroom, ::testing::ValuesIn(rows()), row_name);

}  // namespace
}  // namespace heddle::testing
