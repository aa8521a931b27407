#include "endpoints/traffic_source.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "kernel/error.h"

namespace heddle {

namespace {

constexpr unsigned tick_bits = 20;

/// Far beyond any run, and small enough that sums of a few stay within 128 bits.
constexpr double longest_gap = 0x1p126;

bool earlier(const Message& a, const Message& b) {
  return a.due != b.due ? a.due < b.due : a.id < b.id;
}

/// For the heap functions of the standard library, which put the largest first.
bool later(const Message& a, const Message& b) { return earlier(b, a); }

}  // namespace

std::uint64_t size_at(const SizeTable& table, double probability) {
  const auto upper =
      std::upper_bound(table.begin() + 1, table.end() - 1, probability,
                       [](double p, const SizePoint& point) { return p < point.probability; });
  const SizePoint& low = *(upper - 1);
  const double share = (probability - low.probability) / (upper->probability - low.probability);
  const double above = share * static_cast<double>(upper->bytes - low.bytes);
  return std::max<std::uint64_t>(1, low.bytes + static_cast<std::uint64_t>(std::ceil(above)));
}

MessageGenerator::MessageGenerator(const GeneratorConfig& config, const HostLink& link, HostId host,
                                   const IdSpace& ids, std::uint64_t position, std::uint64_t seed)
    : config_(config),
      rng_(seed, "host" + std::to_string(host), "workload" + std::to_string(config.workload)),
      other_hosts_(static_cast<std::uint32_t>(ids.hosts - 1)),
      next_id_(ids.first + position * ids.hosts + host),
      id_stride_(ids.generators * ids.hosts),
      ticks_per_cycle_(link.rate_bytes << tick_bits) {
  const Ticks byte_ticks = Ticks{link.rate_cycles} << tick_bits;
  message_ticks_ = link.wire_bytes(config.bytes) * byte_ticks;
  const double mean_ticks = config.mean_wire_bytes * static_cast<double>(byte_ticks);
  next_.source = host;
  next_.traffic_class = config.traffic_class;
  next_.bytes = config.bytes;

  const bool bursty = config.process == ArrivalProcess::bursty;
  mean_gap_ticks_ = bursty ? mean_ticks * config.burst * (1 - config.load) / config.load
                           : mean_ticks / config.load;
  if (bursty && rng_.uniform() >= config.load) time_ = exponential(mean_gap_ticks_);

  if (config.start >= config.stop) {
    next_.due = never;
  } else {
    last_tick_ = Ticks{config.stop - config.start - 1} * ticks_per_cycle_;
    advance();
  }
}

void MessageGenerator::advance() {
  switch (config_.process) {
    case ArrivalProcess::bernoulli:
      time_ += geometric(config_.load) * message_ticks_;
      break;
    case ArrivalProcess::poisson:
      time_ += exponential(mean_gap_ticks_);
      break;
    case ArrivalProcess::bursty:
      break;  // time_ is past the last message, and past the silence if that ended its burst
  }
  if (time_ > last_tick_) {
    next_.due = never;
    return;
  }
  next_.due = config_.start + static_cast<Cycle>((time_ + ticks_per_cycle_ - 1) / ticks_per_cycle_);
  number();
  if (burst_left_ == 0) draw_destination();
  if (config_.sizes != nullptr) next_.bytes = size_at(*config_.sizes, rng_.uniform());
  if (config_.process != ArrivalProcess::poisson) time_ += message_ticks_;
  if (config_.process == ArrivalProcess::bursty) continue_burst();
}

void MessageGenerator::continue_burst() {
  if (burst_left_ == 0) burst_left_ = 1 + geometric(1 / config_.burst);
  if (--burst_left_ == 0) time_ += exponential(mean_gap_ticks_);
}

void MessageGenerator::number() {
  if (next_id_ > std::numeric_limits<MessageId>::max()) {
    throw InputError("the open-loop workload of host " + std::to_string(next_.source) +
                     " runs out of message numbers (32 bits for the whole run); shorten its "
                     "duration or make its messages larger");
  }
  next_.id = static_cast<MessageId>(next_id_);
  next_id_ += id_stride_;
}

void MessageGenerator::draw_destination() {
  const std::uint32_t other = rng_.below(other_hosts_);
  next_.destination = static_cast<HostId>(other < next_.source ? other : other + 1);
}

MessageGenerator::Ticks MessageGenerator::exponential(double mean_ticks) {
  return static_cast<Ticks>(std::min(rng_.exponential(mean_ticks) + 0.5, longest_gap));
}

std::uint64_t MessageGenerator::geometric(double success) {
  if (success >= 1) return 0;
  return static_cast<std::uint64_t>(std::log1p(-rng_.uniform()) / std::log1p(-success));
}

TrafficSource::TrafficSource(std::vector<Message> closed, std::vector<MessageGenerator> generators)
    : closed_(std::move(closed)), generators_(std::move(generators)) {
  std::sort(closed_.begin(), closed_.end(), earlier);
  const Message* first = earliest();
  if (first != nullptr) next_due_ = first->due;
}

const Message* TrafficSource::earliest() const {
  const Message* best = next_closed_ < closed_.size() ? &closed_[next_closed_] : nullptr;
  const auto consider = [&best](const Message& message) {
    if (best == nullptr || earlier(message, *best)) best = &message;
  };
  if (!released_.empty()) consider(released_.front());
  for (const MessageGenerator& generator : generators_) {
    if (generator.next().due != never) consider(generator.next());
  }
  return best;
}

Message TrafficSource::take() {
  const Message* first = earliest();
  if (first == nullptr) throw CheckFailure("a message is taken from an empty traffic source");
  const Message message = *first;
  if (!released_.empty() && first == &released_.front()) {
    std::pop_heap(released_.begin(), released_.end(), later);
    released_.pop_back();
  } else if (next_closed_ < closed_.size() && first == &closed_[next_closed_]) {
    ++next_closed_;
  } else {
    for (MessageGenerator& generator : generators_) {
      if (first == &generator.next()) generator.advance();
    }
  }
  const Message* second = earliest();
  next_due_ = second == nullptr ? never : second->due;
  return message;
}

void TrafficSource::release(const Message& message) {
  released_.push_back(message);
  std::push_heap(released_.begin(), released_.end(), later);
  next_due_ = std::min(next_due_, message.due);
}

std::optional<MessageId> TrafficSource::take_id() {
  if (next_kept_id_ >= no_id) return std::nullopt;
  const auto id = static_cast<MessageId>(next_kept_id_);
  next_kept_id_ += kept_id_stride_;
  return id;
}

}  // namespace heddle
