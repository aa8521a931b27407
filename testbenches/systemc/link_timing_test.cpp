// A link between two devices in a running simulation: the receiver runs in the cycle in which a
// frame may be acted on, neither earlier nor later, at any rate and clock.
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "device_bench.h"
#include "kernel/rng.h"

namespace heddle::testing {
namespace {

struct Form {
  LinkRate rate;
  Cycle latency;
  Cycle pipeline;
  Delivery delivery;
};

// Frames at random times: each is taken at start (or at the end of its bytes) + latency + pipeline.
TEST(LinkTiming, EveryFrameIsTakenInItsCycle) {
  for (std::uint64_t seed = 1; seed <= 16; ++seed) {
    in_child([seed] {
      SCOPED_TRACE(::testing::Message() << "seed " << seed);
      Rng rng(seed, "link_timing_test", "swarm");
      ClockOptions options;
      options.period_ps = 500 + 100 * seed;
      options.shuffle_devices = seed % 2 == 0;
      Workbench bench(options);
      const Form form{{1 + rng.below(100), 1 + rng.below(8)},
                      1 + rng.below(6000),
                      rng.below(1000),
                      rng.below(2) == 0 ? Delivery::head : Delivery::tail};
      Link& link = bench.link(form.rate, form.latency);
      Link& unused = bench.link(form.rate, 1);
      Receiver receiver(bench, link, form.delivery, form.pipeline);
      Station sender("sender", bench);
      sender.attach(unused, link);
      std::vector<Cycle> expected;
      Cycle start = 1;
      for (std::uint32_t n = 0; n < 300; ++n) {
        Frame frame;
        frame.kind = FrameKind::credit;
        frame.sequence = n;
        frame.wire_bytes = static_cast<std::uint16_t>(1 + rng.below(3000));
        sender.send(start, frame);
        const Cycle bytes_end = start + cycles_of(frame.wire_bytes, form.rate);
        expected.push_back((form.delivery == Delivery::head ? start : bytes_end) + form.latency +
                           form.pipeline);
        start = bytes_end + 2 + rng.below(50);  // a whole idle cycle: no fraction is carried
      }
      bench.run(expected.back() + 10);
      ASSERT_EQ(receiver.taken().size(), expected.size());
      for (std::uint32_t n = 0; n < expected.size(); ++n) {
        ASSERT_EQ(receiver.taken()[n].frame.sequence, n);
        ASSERT_EQ(receiver.taken()[n].at, expected[n]) << "frame " << n;
      }
    });
  }
}

// 106.25 Gb/s at 1 GHz: 425 B in 32 cycles. The tail of frame n of 85 B is there after exactly
// (n + 1) * 6.4 cycles.
TEST(LinkTiming, BackToBackTailsFollowTheExactRate) {
  in_child([] {
    Workbench bench;
    Link& link = bench.link(LinkRate::of(Rate{106'250'000'000}, 1000), 30);
    Link& unused = bench.link({1, 1}, 1);
    Receiver receiver(bench, link, Delivery::tail, 0);
    Station sender("sender", bench);
    sender.attach(unused, link);
    constexpr Cycle first = 10;
    Frame frame;
    frame.kind = FrameKind::credit;
    frame.wire_bytes = 85;
    for (Cycle n = 0; n < 1000; ++n) sender.send(first + (n * 64 + 9) / 10, frame);
    bench.run(10'000);
    ASSERT_EQ(receiver.taken().size(), 1000U);
    for (Cycle n = 0; n < 1000; ++n) {
      ASSERT_EQ(receiver.taken()[n].at, first + ((n + 1) * 64 + 9) / 10 + 30) << "frame " << n;
    }
  });
}

}  // namespace
}  // namespace heddle::testing
