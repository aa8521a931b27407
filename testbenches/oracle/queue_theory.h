// Exact waits of single queues with fixed service times: the external numbers that link queues are
// compared with. Every recursion adds positive terms only, so nothing cancels.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace heddle::testing {

/// P(K >= k) from P(K = k).
inline std::vector<double> upper_tail(const std::vector<double>& probability) {
  std::vector<double> tail(probability.size() + 1);
  for (std::size_t k = probability.size(); k-- > 0;) tail[k] = tail[k + 1] + probability[k];
  return tail;
}

/// M/D/1 with service time 1: Poisson arrivals at rate `load`.
class Md1 {
 public:
  explicit Md1(double load) : load_(load) {
    std::vector<double> arrivals{std::exp(-load)};  // during one service
    while (arrivals.back() > 1e-300) {
      arrivals.push_back(arrivals.back() * load / static_cast<double>(arrivals.size()));
    }
    const std::vector<double> tail = upper_tail(arrivals);
    const auto at_least = [&](std::size_t k) { return k < tail.size() ? tail[k] : 0.0; };
    // The chain embedded at departures loses at most one customer per step, so what crosses the
    // cut between j and j + 1 downwards equals what crosses it upwards.
    system_.push_back(1 - load);
    for (std::size_t j = 0; system_.size() < 2 || system_.back() > 1e-14; ++j) {
      double up = system_[0] * at_least(j + 1);
      for (std::size_t i = 1; i <= j; ++i) up += system_[i] * at_least(j - i + 2);
      system_.push_back(up / arrivals[0]);
    }
  }

  /// Pollaczek and Khinchine.
  double mean_wait() const { return load_ / (2 * (1 - load_)); }

  /// P(more than n customers wait), not counting the one in service. The same for the queue in
  /// which time is cut in slots of one service, with Poisson many arrivals in each.
  double waiting_above(std::size_t n) const {
    double above = 0;
    for (std::size_t i = system_.size(); i-- > n + 2;) above += system_[i];
    return above;
  }

  /// P(wait <= t): Erlang's and Crommelin's distribution in the form of Franx, "A simple solution
  /// for the M/D/c waiting time distribution", Operations Research Letters 29, 2001.
  double wait_at_most(double t) const {
    const auto k = static_cast<std::size_t>(t) + 1;
    const double expected = load_ * (static_cast<double>(k) - t);
    double poisson = std::exp(-expected);
    double probability = 0;
    for (std::size_t j = 0; j < k; ++j) {
      probability += at_most(k - j) * poisson;
      poisson *= expected / static_cast<double>(j + 1);
    }
    return probability;
  }

  /// Smallest t with P(wait <= t) >= p.
  double wait_quantile(double p) const {
    double low = 0;
    double high = 1;
    while (wait_at_most(high) < p) high *= 2;
    while (high - low > 1e-9 * high) {
      const double middle = (low + high) / 2;
      (wait_at_most(middle) < p ? low : high) = middle;
    }
    return high;
  }

 private:
  /// P(at most n customers in the system).
  double at_most(std::size_t n) const {
    double sum = 0;
    for (std::size_t i = 0; i <= std::min(n, system_.size() - 1); ++i) sum += system_[i];
    return sum;
  }

  double load_;
  std::vector<double> system_;
};

/// The queue that a clocked device with finitely many sources really is: in each cycle each of
/// `sources` sources brings a unit with probability `chance`; a unit takes `service` cycles, the
/// first of them possibly the cycle of its arrival; first come, first served.
class ClockedQueue {
 public:
  ClockedQueue(unsigned sources, double chance, unsigned service) {
    std::vector<double> arrivals{std::pow(1 - chance, sources)};
    for (unsigned k = 1; k <= sources; ++k) {
      arrivals.push_back(arrivals.back() * (sources - k + 1) / k * chance / (1 - chance));
    }
    const std::vector<double> tail = upper_tail(arrivals);
    const std::vector<double> work = unfinished_work(arrivals[0], tail, service);
    // A unit waits for the work that it finds and for the units before it in its own cycle.
    const double mean_arrivals = sources * chance;
    wait_.resize(work.size() + std::size_t{sources} * service);
    for (unsigned before = 0; before < sources; ++before) {
      const double weight = tail[before + 1] / mean_arrivals;
      for (std::size_t v = 0; v < work.size(); ++v) {
        wait_[v + std::size_t{before} * service] += weight * work[v];
      }
    }
  }

  /// In cycles.
  double mean_wait() const {
    double mean = 0;
    for (std::size_t w = 0; w < wait_.size(); ++w) mean += static_cast<double>(w) * wait_[w];
    return mean;
  }

  /// Smallest whole number of cycles w with P(wait <= w) >= p.
  double wait_quantile(double p) const {
    double passed = 0;
    for (std::size_t w = 0; w < wait_.size(); ++w) {
      passed += wait_[w];
      if (passed >= p) return static_cast<double>(w);
    }
    return static_cast<double>(wait_.size());
  }

 private:
  /// Distribution of the cycles of work left at the start of a cycle, V: V + service * A - 1, not
  /// below 0, with A arrivals. It falls by one at most, hence the same equation of cuts.
  static std::vector<double> unfinished_work(double none, const std::vector<double>& tail,
                                             unsigned service) {
    std::vector<double> work{1};
    double sum = 1;
    double of_last_services = 1;
    for (std::size_t j = 0; of_last_services > 1e-13 * sum; ++j) {
      double up = 0;
      for (std::size_t i = j + 1; i-- > 0;) {
        const std::size_t needed = (j + 2 - i + service - 1) / service;
        if (needed >= tail.size() || tail[needed] < 1e-18) break;
        up += work[i] * tail[needed];
      }
      work.push_back(up / none);
      sum += work.back();
      of_last_services += work.back();
      if (work.size() > service) of_last_services -= work[work.size() - 1 - service];
    }
    for (double& probability : work) probability /= sum;
    return work;
  }

  std::vector<double> wait_;
};

}  // namespace heddle::testing
