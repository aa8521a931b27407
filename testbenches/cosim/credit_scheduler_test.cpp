// credit_scheduler: model and RTL in lockstep, for powers of two and for other sizes. The stimulus
// keeps the contract that the RTL asserts.
#include "parts/credit_scheduler.h"

#include <Vcredit_scheduler.h>
#include <Vcredit_scheduler_7.h>

#include "cosim/pins.h"
#include "cosim/twin.h"

namespace heddle {
namespace {

struct CreditSchedulerSize {
  unsigned leaves;
  unsigned classes;
  unsigned slices;
};

/// What one drawn stimulus is like.
struct CreditSchedulerHabits {
  CreditSchedulerHabits(Rng random, const CreditSchedulerSize& size)
      : slices(1 + random.below(size.slices)),
        step(random.below(2) != 0 ? 1 : 1 + random.below(1000)),
        asking(draw_share(random)),
        stale(draw_share(random)),
        granting(draw_share(random)),
        backlog(1 + random.below(100)) {
    for (unsigned c = 0; c < size.classes; ++c) {
      TrafficClassConfig config;
      config.scheduling =
          random.below(3) == 0 ? ClassScheduling::strict : ClassScheduling::weighted;
      config.weight = random.below(2) != 0 ? 1 + random.below(4) : 1 + random.below(255);
      classes.push_back(config);
    }
  }

  std::vector<TrafficClassConfig> classes;
  unsigned slices;
  std::uint32_t step;  ///< a request asks for at most so many more
  double asking;
  double stale;  ///< of the requests: repeated or overtaken
  double granting;
  std::uint64_t backlog;  ///< nobody asks while more are outstanding
};

template <class Top, const CreditSchedulerSize& size>
class Twin {
 public:
  static constexpr const char* name = "credit_scheduler";

  explicit Twin(std::uint64_t seed)
      : rtl(seed),
        habits_(Rng(seed, name, "habits"), size),
        model_(size.leaves, habits_.classes, 4096, habits_.slices),
        requested_(size.leaves * size.classes) {
    for (unsigned c = 0; c < size.classes; ++c) {
      const TrafficClassConfig& config = habits_.classes[c];
      pins::set_bits(rtl->cfg_strict_i, c, 1, config.scheduling == ClassScheduling::strict);
      pins::set_bits(rtl->cfg_weight_i, c * 8, 8, config.weight);
    }
    pins::set(rtl->cfg_slices_i, habits_.slices);
    pins::set(rtl->request_i, 0);
    pins::set(rtl->grant_i, 0);
    rtl.reset();
  }

  void cycle(Lockstep& lockstep) {
    Rng& random = lockstep.random;
    request(random);
    const bool granted = model_.wanted() && random.uniform() < habits_.granting;
    pins::set(rtl->grant_i, granted ? 1 : 0);
    const CreditScheduler::Grant grant = granted ? model_.grant() : CreditScheduler::Grant{};
    const unsigned leaf = random.below(size.leaves);
    const unsigned traffic_class = random.below(size.classes);
    pins::set(rtl->granted_leaf_i, leaf);
    pins::set(rtl->granted_traffic_class_i, traffic_class);

    rtl.edge();
    if (granted) {
      lockstep.equal("grant_traffic_class_o", grant.traffic_class, rtl->grant_traffic_class_o);
      lockstep.equal("grant_leaf_o", grant.leaf, rtl->grant_leaf_o);
      lockstep.equal("grant_credits_o", grant.credits, rtl->grant_credits_o);
    }
    lockstep.equal("wanted_o", model_.wanted() ? 1 : 0, rtl->wanted_o);
    lockstep.equal("outstanding_o", model_.outstanding(), rtl->outstanding_o);
    lockstep.equal("granted_o", model_.granted(leaf, traffic_class), rtl->granted_o);
  }

  RtlTop<Top> rtl;

 private:
  void request(Rng& random) {
    const bool asks = model_.outstanding() < habits_.backlog && random.uniform() < habits_.asking;
    const unsigned leaf = random.below(size.leaves);
    const unsigned traffic_class = random.below(size.classes);
    std::uint32_t& requested = requested_[traffic_class * size.leaves + leaf];
    std::uint32_t credits = requested;
    if (random.uniform() < habits_.stale) {
      credits -= random.below(credits + 1);
    } else {
      credits += 1 + random.below(habits_.step);
    }
    pins::set(rtl->request_i, asks ? 1 : 0);
    pins::set(rtl->request_leaf_i, leaf);
    pins::set(rtl->request_traffic_class_i, traffic_class);
    pins::set(rtl->request_credits_i, credits);
    if (!asks) return;
    model_.request(leaf, traffic_class, credits);
    requested = std::max(requested, credits);
  }

  CreditSchedulerHabits habits_;
  CreditScheduler model_;
  std::vector<std::uint32_t> requested_;
};

constexpr CreditSchedulerSize credit_scheduler_size{8, 2, 2};
constexpr CreditSchedulerSize credit_scheduler_size_7{7, 5, 3};
using CreditSchedulerTwin = Twin<Vcredit_scheduler, credit_scheduler_size>;
using CreditSchedulerOf7Twin = Twin<Vcredit_scheduler_7, credit_scheduler_size_7>;
HEDDLE_TWIN_TESTS(CreditSchedulerTwin, 40, 5000, 1000)
HEDDLE_TWIN_TESTS(CreditSchedulerOf7Twin, 40, 5000, 1000)

}  // namespace
}  // namespace heddle
