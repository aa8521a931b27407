#include "parts/dcqcn.h"

namespace heddle {

namespace {

/// The increase steps are stated for this line rate and grow with it.
constexpr Rate step_reference = 25_Gbps;

double bytes_per_cycle(Rate rate, Duration cycle) {
  return static_cast<double>(rate.bits_per_second) * static_cast<double>(cycle.picoseconds) / 8e12;
}

Cycle whole_cycles(Duration duration, Duration cycle) {
  const Cycle cycles = (duration.picoseconds + cycle.picoseconds - 1) / cycle.picoseconds;
  return std::max<Cycle>(1, cycles);
}

}  // namespace

void DcqcnConfig::describe(Fields& fields) {
  fields.add("alpha_timer", alpha_timer, 1e3, 1e12,
             "Without a cut for this long, and again each such time, alpha decays by the gain.",
             "55 us, longer than the CNP interval: Zhu et al., SIGCOMM 2015 (K); 50 us in the HPCC "
             "repository");
  fields.add("decrease_interval", decrease_interval, 0, 1e12,
             "Shortest time between two cuts of the rate.", "50 us: HPCC repository");
  fields.add("increase_timer", increase_timer, 1e3, 1e12, "Time between rounds of rate increase.",
             "55 us: Zhu et al., SIGCOMM 2015; HPCC repository");
  fields.add("cnp_interval", cnp_interval, 0, 1e12,
             "Shortest time between two congestion notifications for one queue pair.",
             "50 us: Zhu et al., SIGCOMM 2015 (N)");
  fields.add("byte_counter", byte_counter, 64, 1e15, "Bytes sent between rounds of rate increase.",
             "10 MB: Zhu et al., SIGCOMM 2015 (B)");
  fields.add("gain", gain, 1e-6, 1, "Weight of a new observation in alpha.",
             "1/256: Zhu et al., SIGCOMM 2015 (g); HPCC repository");
  fields.add("fast_recovery_rounds", fast_recovery_rounds, 0, 1000,
             "Rounds of increase that only halve the distance to the target rate.",
             "5: Zhu et al., SIGCOMM 2015 (F); HPCC repository");
  fields.add("additive_increase", additive_increase, 1, 1e12,
             "Step of the target rate after fast recovery, for a 25 Gbps line, in proportion for "
             "others.",
             "5 Mbps: HPCC repository");
  fields.add("hyper_increase", hyper_increase, 1, 1e12,
             "Step of the target rate once both timer and bytes are past fast recovery, for a 25 "
             "Gbps line, in proportion for others.",
             "50 Mbps: HPCC repository");
  fields.add("minimum_rate", minimum_rate, 1e3, 1e13, "The rate is never cut below this.",
             "100 Mbps: HPCC repository");
}

DcqcnRules::DcqcnRules(const DcqcnConfig& config, Rate line, Duration cycle)
    : line_rate(bytes_per_cycle(line, cycle)),
      minimum_rate(std::min(line_rate, bytes_per_cycle(config.minimum_rate, cycle))),
      additive_increase(line_rate * (static_cast<double>(config.additive_increase.bits_per_second) /
                                     static_cast<double>(step_reference.bits_per_second))),
      hyper_increase(line_rate * (static_cast<double>(config.hyper_increase.bits_per_second) /
                                  static_cast<double>(step_reference.bits_per_second))),
      gain(config.gain),
      alpha_cycles(whole_cycles(config.alpha_timer, cycle)),
      decrease_cycles(whole_cycles(config.decrease_interval, cycle)),
      increase_cycles(whole_cycles(config.increase_timer, cycle)),
      cnp_cycles(whole_cycles(config.cnp_interval, cycle)),
      byte_counter(config.byte_counter.value),
      fast_recovery_rounds(static_cast<std::uint32_t>(config.fast_recovery_rounds)) {}

void Dcqcn::on_cnp(Cycle now) {
  advance(now);
  if (now >= decrease_allowed_) {
    cut(now);
  } else {
    cut_due_ = decrease_allowed_;
  }
  schedule();
}

void Dcqcn::expire(Cycle now) {
  while (next_due_ <= now) {
    const Cycle due = next_due_;
    if (due == cut_due_) {
      cut(due);
    } else {
      if (due == alpha_due_) {
        alpha_ *= 1 - rules_->gain;
        alpha_due_ += rules_->alpha_cycles;
      }
      if (due == increase_due_) {
        increase(timer_rounds_);
        increase_due_ += rules_->increase_cycles;
      }
    }
    schedule();
  }
}

void Dcqcn::cut(Cycle now) {
  target_ = rate_;
  rate_ = std::max(rules_->minimum_rate, rate_ * (1 - alpha_ / 2));
  alpha_ = (1 - rules_->gain) * alpha_ + rules_->gain;
  cut_due_ = never;
  decrease_allowed_ = now + rules_->decrease_cycles;
  alpha_due_ = now + rules_->alpha_cycles;
  increase_due_ = now + rules_->increase_cycles;
  sent_ = 0;
  timer_rounds_ = 0;
  byte_rounds_ = 0;
}

void Dcqcn::count_bytes() {
  for (; sent_ >= rules_->byte_counter; sent_ -= rules_->byte_counter) increase(byte_rounds_);
}

void Dcqcn::increase(std::uint32_t& rounds) {
  const std::uint32_t recovery = rules_->fast_recovery_rounds;
  if (rounds <= recovery) ++rounds;
  if (std::min(timer_rounds_, byte_rounds_) > recovery) {
    target_ = std::min(rules_->line_rate, target_ + rules_->hyper_increase);
  } else if (std::max(timer_rounds_, byte_rounds_) > recovery) {
    target_ = std::min(rules_->line_rate, target_ + rules_->additive_increase);
  }
  rate_ = (rate_ + target_) / 2;
}

}  // namespace heddle
