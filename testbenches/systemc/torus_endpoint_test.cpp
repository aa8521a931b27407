// Remote memory of a torus: cycles by hand, any byte of any chip from any other, back-pressure,
// errors, the window, initiators on and off the calendar, losses; and collectives in time.
#include "accelerator/torus_endpoint.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "kernel/rng.h"
#include "parts/sparse_memory.h"
#include "torus_bench.h"

namespace heddle::testing {
namespace {

// --- cycles by hand -----------------------------------------------------------------------------

TEST(TorusEndpoint, AReadOneHopAwayTakesItsCyclesFromTheTable) {
  in_child([] {
    TorusBench bench;
    Initiator& chip = bench.initiator(0);
    chip.send({100, false, bench.memory_bytes(), 512});  // node 1
    bench.run(3000);
    const Answer& read = chip.answers()[0];
    EXPECT_EQ(read.accepted, 101U) << "what arrives in a cycle counts from the next";
    // A request of one flit: the endpoint's latency, the local link (5), the router (20), the
    // cable (50) and a cycle until its tail is there, the router, the local link and its tail.
    const Cycle at_memory = 101 + 250 + 5 + 20 + 51 + 20 + 6 + 250;
    // Two stripes of a closed bank in two channels: tRCDrd 16, read latency 22, 256 B at 32 B per
    // cycle; taken one cycle after BEGIN_REQ, counted one after BEGIN_RESP.
    const Cycle in_hand = at_memory + 1 + 16 + 22 + 8 + 1;
    // 544 B: 5 cycles on the cable, 2 on the local link.
    EXPECT_EQ(read.answered, in_hand + 250 + 5 + 20 + 55 + 20 + 7 + 250);
    EXPECT_EQ(read.answered - read.requested, 1258U) << "inside the vendor's 1-2 us";
    EXPECT_EQ(read.status, tlm::TLM_OK_RESPONSE);
    bench.verify();
  });
}

TEST(TorusEndpoint, AnAccessToTheOwnNodeIsOneToItsMemory) {
  in_child([] {
    TorusBench bench;
    Initiator& chip = bench.initiator(2);
    chip.send({100, false, 2 * bench.memory_bytes() + 512, 512});
    bench.run(3000);
    // One cycle into the endpoint, the memory's own as from the table, one cycle back.
    EXPECT_EQ(chip.answers()[0].answered, 101U + 1 + 16 + 22 + 8 + 1);
    EXPECT_EQ(bench.endpoint(2).counts().own, 1U);
    EXPECT_EQ(bench.endpoint(2).counts().requests, 0U);
    bench.verify();
  });
}

}  // namespace
}  // namespace heddle::testing
