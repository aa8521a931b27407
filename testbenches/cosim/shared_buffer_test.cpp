// shared_buffer: model and RTL in lockstep, with the marking that its queues cause.
#include "parts/shared_buffer.h"

#include <Vshared_buffer.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "cosim/pins.h"
#include "cosim/twin.h"
#include "parts/ecn.h"
#include "parts/lfsr.h"

namespace heddle {
namespace {

class SharedBufferTwin {
 public:
  static constexpr const char* name = "shared_buffer";

  explicit SharedBufferTwin(std::uint64_t seed)
      : rtl(seed),
        habits_(seed, name, "habits"),
        config_(draw_config()),
        limits_(draw_limits()),
        model_(config_, queues, limits_),
        ecn_(draw_ecn()),
        marking_(habits_) {
    admitting_ = draw_share(habits_);
    releasing_ = draw_share(habits_);
    lossless_ = draw_share(habits_);
    marking_share_ = draw_share(habits_);
    taking_ = draw_share(habits_);
    setting_ = habits_.below(4) == 0 ? 0.01 : 0;
    hot_ = draw_share(habits_);
    set_configuration();
    rtl.reset();
  }

  void cycle(Lockstep& lockstep) {
    Rng& random = lockstep.random;
    const bool takes = random.uniform() < taking_;
    pins::set(rtl->take_changes_i, takes ? 1 : 0);
    offer(random);
    choose_release(random);
    const bool sets = random.uniform() < setting_;
    if (sets) set_thresholds(draw_thresholds(random));
    pins::set(rtl->set_thresholds_i, sets ? 1 : 0);
    rtl.settle();
    compare_state(lockstep);

    if (takes) model_.take_xoff_changes([](unsigned, bool) {});
    mark_and_admit(lockstep);
    if (leaving_) model_.release(leaving_->group, leaving_->queue, leaving_->bytes);
    if (sets) model_.set_thresholds(thresholds_);
    rtl.edge();
  }

  RtlTop<Vshared_buffer> rtl;

 private:
  static constexpr unsigned groups = 8;
  static constexpr unsigned queues = 8;
  static constexpr unsigned cell_bits = 20;

  struct Packet {
    unsigned group;
    unsigned queue;
    std::uint32_t bytes;
  };

  /// From a pool of a few packets to one that is hardly ever full; alphas from 1/128 to 1024.
  SharedBufferConfig draw_config() {
    SharedBufferConfig config;
    const std::uint64_t cells[] = {40, 300, 5'000, 400'000};
    config.cell = Bytes{16 + habits_.below(habits_.below(2) == 0 ? 16 : 2000)};
    config.buffer = Bytes{config.cell.value * cells[habits_.below(4)]};
    config.alpha_lossless = std::ldexp(1.0, static_cast<int>(habits_.below(18)) - 7);
    config.alpha_lossy = std::ldexp(1.0, static_cast<int>(habits_.below(18)) - 7);
    config.xon_offset = Bytes{config.cell.value * habits_.below(20)};
    if (habits_.below(3) == 0) config.xoff = Bytes{config.cell.value * habits_.below(60)};
    return config;
  }

  std::vector<Bytes> draw_limits() {
    const std::uint64_t pool = config_.buffer.value / config_.cell.value;
    const auto most = static_cast<std::uint32_t>(std::min<std::uint64_t>(pool / (groups + 1), 50));
    std::vector<Bytes> limits;
    for (unsigned group = 0; group < groups; ++group) {
      limits.push_back(Bytes{config_.cell.value * habits_.below(most + 1)});
    }
    return limits;
  }

  EcnConfig draw_ecn() {
    EcnConfig ecn;
    ecn.kmin = Bytes{habits_.below(20) * config_.cell.value};
    ecn.kmax = Bytes{ecn.kmin.value + habits_.below(40) * config_.cell.value};
    ecn.pmax = draw_share(habits_);
    return ecn;
  }

  static SharedBuffer::Thresholds draw_thresholds(Rng& random) {
    SharedBuffer::Thresholds thresholds{1 + random.below(1U << random.below(27)),
                                        1 + random.below(1U << random.below(27)), std::nullopt,
                                        random.below(20)};
    if (random.below(3) == 0) thresholds.xoff_cells = random.below(60);
    return thresholds;
  }

  void set_thresholds(const SharedBuffer::Thresholds& thresholds) {
    thresholds_ = thresholds;
    pins::set(rtl->alpha_lossless_i, thresholds.alpha_lossless);
    pins::set(rtl->alpha_lossy_i, thresholds.alpha_lossy);
    pins::set(rtl->xoff_fixed_i, thresholds.xoff_cells ? 1 : 0);
    pins::set(rtl->xoff_cells_i, thresholds.xoff_cells.value_or(0));
    pins::set(rtl->xon_offset_cells_i, thresholds.xon_offset_cells);
  }

  void set_configuration() {
    const std::uint64_t cell = config_.cell.value;
    pins::set(rtl->cfg_cell_bytes_i, cell);
    pins::set(rtl->cfg_cell_reciprocal_i, ((std::uint64_t{1} << 32) + cell - 1) / cell);
    pins::set(rtl->cfg_shared_cells_i, model_.shared_cells());
    for (unsigned group = 0; group < groups; ++group) {
      pins::set_bits(rtl->cfg_headroom_limit_i, group * cell_bits, cell_bits,
                     limits_[group].value / cell);
    }
    pins::set(rtl->cfg_kmin_bytes_i, ecn_.kmin.value);
    pins::set(rtl->cfg_kmax_bytes_i, ecn_.kmax.value);
    pins::set(rtl->cfg_mark_slope_i, mark_slope(ecn_));
    pins::set(rtl->cfg_marking_i, marking_.state());
    set_thresholds(model_.thresholds());
  }

  /// Often for one group and queue, which then fill.
  unsigned place(unsigned places, Rng& random) const {
    return random.uniform() < hot_ ? 1 : random.below(places);
  }

  void offer(Rng& random) {
    const std::uint32_t sizes[] = {64, 1 + random.below(200), 1500, 1 + random.below(9200)};
    offered_ = {place(groups, random), place(queues, random), sizes[random.below(4)]};
    admits_ = random.uniform() < admitting_;
    is_lossless_ = random.uniform() < lossless_;
    may_be_marked_ = random.uniform() < marking_share_;
    pins::set(rtl->group_i, offered_.group);
    pins::set(rtl->queue_i, offered_.queue);
    pins::set(rtl->bytes_i, offered_.bytes);
    pins::set(rtl->lossless_i, is_lossless_ ? 1 : 0);
    pins::set(rtl->admit_i, admits_ ? 1 : 0);
    pins::set(rtl->mark_i, may_be_marked_ ? 1 : 0);
  }

  void choose_release(Rng& random) {
    leaving_.reset();
    if (!stored_.empty() && random.uniform() < releasing_) {
      const unsigned which = random.below(static_cast<std::uint32_t>(stored_.size()));
      leaving_ = stored_[which];
      stored_[which] = stored_.back();
      stored_.pop_back();
    }
    const Packet packet = leaving_.value_or(offered_);
    pins::set(rtl->release_i, leaving_ ? 1 : 0);
    pins::set(rtl->release_group_i, packet.group);
    pins::set(rtl->release_queue_i, packet.queue);
    pins::set(rtl->release_bytes_i, packet.bytes);
  }

  void compare_state(const Lockstep& lockstep) {
    lockstep.equal("xoff_o", xoff(), rtl->xoff_o);
    lockstep.equal("free_cells_o", model_.free_cells(), rtl->free_cells_o);
    lockstep.equal("used_cells_o", model_.used_cells(), rtl->used_cells_o);
    for (unsigned i = 0; i < groups; ++i) {
      const auto at = static_cast<int>(i);
      lockstep.equal("group_cells_o", model_.group_cells(i), cells(rtl->group_cells_o, i), at);
      lockstep.equal("headroom_cells_o", model_.headroom_cells(i), cells(rtl->headroom_cells_o, i),
                     at);
      lockstep.equal("queue_cells_o", model_.queue_cells(i), cells(rtl->queue_cells_o, i), at);
    }
    lockstep.equal("changed_o", changed(), rtl->changed_o);
  }
  static_assert(groups == queues);

  template <class Pin>
  static std::uint64_t cells(const Pin& pin, unsigned index) {
    return pins::get_bits(pin, index * cell_bits, cell_bits);
  }

  std::uint64_t xoff() const {
    std::uint64_t xoff = 0;
    for (unsigned group = 0; group < groups; ++group) {
      xoff |= std::uint64_t{model_.xoff(group) ? 1U : 0U} << group;
    }
    return xoff;
  }

  std::uint64_t changed() const {
    std::uint64_t changed = 0;
    if (!model_.has_xoff_changes()) return changed;
    SharedBuffer copy = model_;
    copy.take_xoff_changes([&](unsigned group, bool) { changed |= std::uint64_t{1} << group; });
    return changed;
  }

  void mark_and_admit(const Lockstep& lockstep) {
    const std::uint64_t depth =
        std::uint64_t{model_.queue_cells(offered_.queue)} * config_.cell.value;
    const bool draws = may_be_marked_ && depth > ecn_.kmin.value;
    lockstep.equal("mark_o", draws && mark(ecn_, depth, marking_.bits()) ? 1 : 0, rtl->mark_o);
    if (!admits_) return;
    const Admission admission =
        model_.admit(offered_.group, offered_.queue, offered_.bytes, is_lossless_);
    lockstep.equal("admission_o", static_cast<std::uint64_t>(admission), rtl->admission_o);
    if (stored(admission)) stored_.push_back(offered_);
  }

  Rng habits_;
  SharedBufferConfig config_;
  std::vector<Bytes> limits_;
  SharedBuffer model_;
  EcnConfig ecn_;
  Lfsr marking_;
  SharedBuffer::Thresholds thresholds_{};
  double admitting_;
  double releasing_;
  double lossless_;
  double marking_share_;
  double taking_;
  double setting_;
  double hot_;

  std::vector<Packet> stored_;
  Packet offered_{};
  std::optional<Packet> leaving_;
  bool admits_ = false;
  bool is_lossless_ = false;
  bool may_be_marked_ = false;
};

HEDDLE_TWIN_TESTS(SharedBufferTwin, 60, 5000, 2000)

}  // namespace
}  // namespace heddle
