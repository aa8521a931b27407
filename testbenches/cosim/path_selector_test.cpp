// path_selector: model and RTL in lockstep, with every rule of routing, failed ports and flows that
// fall silent.
#include "parts/path_selector.h"

#include <Vpath_selector.h>
#include <Vpath_selector_13.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "cosim/pins.h"
#include "cosim/twin.h"

namespace heddle {
namespace {

template <class Top, unsigned ports, unsigned groups>
class Twin {
 public:
  static constexpr const char* name = "path_selector";

  explicit Twin(std::uint64_t seed)
      : rtl(seed),
        seed_(seed),
        habits_(seed, name, "habits"),
        rules_(draw_rules()),
        ports_of_group_(draw_groups()),
        model_(new_model()),
        grades_(ports) {
    choosing_ = draw_share(habits_);
    failing_ = draw_share(habits_);
    usable_ = draw_share(habits_);
    regrading_ = draw_share(habits_);
    flows_ = 1 + habits_.below(1U << habits_.below(16));
    grade_count_ = 1 + habits_.below(habits_.below(2) == 0 ? 4 : 256);
    silence_ = habits_.below(2) == 0 ? 1 : 1 + habits_.below(3'000);
    resetting_ = habits_.below(2) == 0 ? 0 : 0.002;
    set_configuration();
    rtl.reset();
  }

  void cycle(Lockstep& lockstep) {
    Rng& random = lockstep.random;
    if (random.uniform() < resetting_) reset();
    now_ += random.below(20) == 0 ? 1 + random.below(silence_) : 1;
    const bool chooses = random.uniform() < choosing_;
    draw_frame(random);
    draw_grades(random);
    draw_usable(random);
    pins::set(rtl->choose_i, chooses ? 1 : 0);
    pins::set(rtl->now_i, now_);
    rtl.settle();
    if (chooses) lockstep.equal("port_o", choose(), rtl->port_o);
    rtl.edge();
    lockstep.equal("random_o", model_.random().state(), rtl->random_o);
    for (unsigned group = 0; group < groups; ++group) {
      lockstep.equal("spray_o", model_.spray(group).random().state(),
                     pins::get_bits(rtl->spray_o, 64 * group, 64), static_cast<int>(group));
    }
  }

  RtlTop<Top> rtl;

 private:
  static constexpr unsigned port_bits = ports <= 4 ? 2 : 4;
  static constexpr unsigned count_bits = ports < 4 ? 2 : ports < 8 ? 3 : 4;

  PathSelector new_model() const { return {rules_, ports_of_group_, Rng(seed_, name, "path")}; }

  /// In the middle of the run: what it leaves behind is not random but a flow's choice.
  void reset() {
    model_ = new_model();
    rtl.reset();
  }

  PathSelector::Rules draw_rules() {
    PathSelector::Rules rules;
    // Spraying is two rules.
    rules.routing = static_cast<Routing>(std::min(habits_.below(5), 3U));
    rules.spray = static_cast<SprayPolicy>(habits_.below(2));
    const Cycle gaps[] = {0, 1, 2, 50, 1000, Cycle{1} << 63};
    rules.flowlet_gap_cycles = gaps[habits_.below(6)];
    return rules;
  }

  std::vector<std::vector<std::uint16_t>> draw_groups() {
    std::vector<std::vector<std::uint16_t>> all;
    for (unsigned group = 0; group < groups; ++group) {
      const unsigned first = habits_.below(3) == 0 ? 0 : habits_.below(ports);
      const unsigned most = ports - first;
      const unsigned count = habits_.below(2) == 0 ? most : 1 + habits_.below(most);
      std::vector<std::uint16_t> members;
      for (unsigned port = first; port < first + count; ++port) {
        members.push_back(static_cast<std::uint16_t>(port));
      }
      all.push_back(std::move(members));
    }
    return all;
  }

  void set_configuration() {
    pins::set(rtl->cfg_routing_i, static_cast<unsigned>(rules_.routing));
    pins::set(rtl->cfg_spray_random_i, rules_.spray == SprayPolicy::random ? 1 : 0);
    pins::set(rtl->cfg_flowlet_gap_cycles_i, rules_.flowlet_gap_cycles);
    pins::set(rtl->cfg_salt_i, model_.salt());
    pins::set(rtl->cfg_random_i, model_.random().state());
    for (unsigned group = 0; group < groups; ++group) {
      const auto& members = ports_of_group_[group];
      pins::set_bits(rtl->cfg_spray_i, 64 * group, 64, model_.spray(group).random().state());
      pins::set_bits(rtl->cfg_first_i, port_bits * group, port_bits, members.front());
      pins::set_bits(rtl->cfg_count_i, count_bits * group, count_bits, members.size());
    }
  }

  void draw_frame(Rng& random) {
    group_ = random.below(groups);
    const unsigned flow = random.below(flows_);
    frame_.flow = flow * 0x9e37U;
    frame_.source = static_cast<std::uint16_t>(flow & 0xff);
    frame_.destination = static_cast<std::uint16_t>(flow >> 3);
    pins::set(rtl->group_i, group_);
    pins::set(rtl->flow_i, frame_.flow);
    pins::set(rtl->source_i, frame_.source);
    pins::set(rtl->destination_i, frame_.destination);
  }

  void draw_grades(Rng& random) {
    for (unsigned port = 0; port < ports; ++port) {
      if (random.uniform() < regrading_) {
        grades_[port] = static_cast<std::uint8_t>(random.below(grade_count_));
      }
      pins::set_bits(rtl->grades_i, 8 * port, 8, grades_[port]);
    }
  }

  /// What failed ports leave of the group: at least one.
  void draw_usable(Rng& random) {
    among_ = random.uniform() < failing_;
    std::uint64_t mask = 0;
    usable_ports_.clear();
    for (unsigned port = 0; port < ports; ++port) {
      if (random.uniform() < usable_) mask |= std::uint64_t{1} << port;
    }
    const auto& members = ports_of_group_[group_];
    mask |= std::uint64_t{1} << members[random.below(static_cast<unsigned>(members.size()))];
    for (const std::uint16_t port : members) {
      if ((mask >> port & 1) != 0) usable_ports_.push_back(port);
    }
    pins::set(rtl->among_i, among_ ? 1 : 0);
    pins::set(rtl->usable_i, mask);
  }

  unsigned choose() {
    return among_ ? model_.choose_among(usable_ports_, group_, frame_, now_, grades_)
                  : model_.choose(group_, frame_, now_, grades_);
  }

  std::uint64_t seed_;
  Rng habits_;
  PathSelector::Rules rules_;
  std::vector<std::vector<std::uint16_t>> ports_of_group_;
  PathSelector model_;
  std::vector<std::uint8_t> grades_;
  double choosing_;
  double failing_;
  double usable_;
  double regrading_;
  double resetting_;
  std::uint32_t flows_;
  std::uint32_t grade_count_;
  std::uint32_t silence_;

  Cycle now_ = 0;
  unsigned group_ = 0;
  Frame frame_{};
  bool among_ = false;
  std::vector<std::uint16_t> usable_ports_;
};

using PathSelectorTwin = Twin<Vpath_selector, 4, 2>;
using PathSelectorOf13Twin = Twin<Vpath_selector_13, 13, 5>;
HEDDLE_TWIN_TESTS(PathSelectorTwin, 150, 2000, 5000)
HEDDLE_TWIN_TESTS(PathSelectorOf13Twin, 100, 1000, 1000)

}  // namespace
}  // namespace heddle
