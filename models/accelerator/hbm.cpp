#include "accelerator/hbm.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace heddle {

DramTiming dram_timing(const DramConfig& config, const Clock& clock) {
  DramTiming timing;
  timing.row_cycle = clock.cycles(config.row_cycle);
  timing.activate_to_read = clock.cycles(config.activate_to_read);
  timing.activate_to_write = clock.cycles(config.activate_to_write);
  timing.precharge = clock.cycles(config.precharge);
  timing.four_activates = clock.cycles(config.four_activates);
  timing.read_latency = clock.cycles(config.read_latency);
  timing.write_latency = clock.cycles(config.write_latency);
  timing.read_to_precharge = clock.cycles(config.read_to_precharge);
  timing.write_recovery = clock.cycles(config.write_recovery);
  timing.write_to_read = clock.cycles(config.write_to_read);
  timing.read_to_write = clock.cycles(config.read_to_write);
  timing.refresh = clock.cycles(config.refresh);
  timing.refresh_interval = clock.cycles(config.refresh_interval);
  timing.burst = LinkRate::of(config.channel_rate, clock).cycles_for(config.burst.value);
  return timing;
}

Hbm::Hbm(const sc_core::sc_module_name& module_name, Clock& clock, const DramConfig& config,
         Contents contents)
    : Device(module_name, clock, static_cast<unsigned>(config.channels) + 1),
      target_("socket", clock, id(), static_cast<unsigned>(config.channels),
              [this](Payload& payload) { return debug(payload); }),
      socket(target_.socket),
      config_(config),
      map_(config),
      bus_(LinkRate::of(config.channel_rate, clock)) {
  config.check();
  const DramTiming timing = dram_timing(config, clock);
  const auto number = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
  const DramScheduler::Policy policy{number(config.queue), number(config.window),
                                     number(config.batch), number(config.age_limit)};
  schedulers_.reserve(config.channels);
  for (std::uint64_t c = 0; c < config.channels; ++c) {
    const Cycle first_refresh = (c + 1) * timing.refresh_interval / config.channels;
    schedulers_.emplace_back(timing, number(config.banks), first_refresh, policy);
  }
  if (contents == Contents::stored) contents_.emplace();
}

void Hbm::cycle() {
  take_requests();  // 1. requests into queues
  due_.take(0, channels(), [this](unsigned channel) { run_channel(channel); });  // 2. commands
  target_.respond(now());                                                        // 3. responses
}

unsigned Hbm::debug(Payload& payload) {
  if (!contents_ || payload.get_byte_enable_ptr() != nullptr ||
      payload.get_address() >= config_.capacity.value) {
    return 0;
  }
  const auto bytes = static_cast<unsigned>(std::min<std::uint64_t>(
      payload.get_data_length(), config_.capacity.value - payload.get_address()));
  if (payload.is_read()) {
    contents_->read(payload.get_address(), payload.get_data_ptr(), bytes);
  } else if (payload.is_write()) {
    contents_->write(payload.get_address(), payload.get_data_ptr(), bytes);
  } else {
    return 0;
  }
  return bytes;
}

// --- 1. requests into queues --------------------------------------------------------------------

void Hbm::take_requests() {
  due_.clear(target_reason());
  blocked_ = false;
  target_.take_requests(now(), [this](std::uint32_t number, Payload& payload) {
    return take_request(number, payload);
  });
}

/// Whether the request is now taken as a whole.
bool Hbm::take_request(std::uint32_t number, Payload& payload) {
  if (transactions_.size() <= number) transactions_.resize(number + 1);
  if (!begin(number, payload)) {
    target_.finish(number, now() + 1);
    return true;
  }
  if (!place_stripes(number, payload)) {
    blocked_ = true;
    return false;
  }
  access_contents(payload);
  return true;
}

/// Whether the request is a right one; settled when it is first looked at.
bool Hbm::begin(std::uint32_t number, Payload& payload) {
  Transaction& transaction = transactions_[number];
  if (transaction.end != 0) return true;
  const tlm::tlm_response_status status = verdict(payload);
  payload.set_response_status(status);
  if (status != tlm::TLM_OK_RESPONSE) {
    ++counts_.errors;
    return false;
  }
  transaction.next_byte = payload.get_address();
  transaction.end = payload.get_address() + payload.get_data_length();
  ++(payload.is_write() ? counts_.writes : counts_.reads);
  (payload.is_write() ? counts_.bytes_written : counts_.bytes_read) += payload.get_data_length();
  return true;
}

tlm::tlm_response_status Hbm::verdict(const Payload& payload) const {
  const std::uint64_t bytes = payload.get_data_length();
  const std::uint64_t capacity = config_.capacity.value;
  if (!payload.is_read() && !payload.is_write()) return tlm::TLM_COMMAND_ERROR_RESPONSE;
  if (payload.get_address() >= capacity || bytes > capacity - payload.get_address()) {
    return tlm::TLM_ADDRESS_ERROR_RESPONSE;
  }
  if (payload.get_byte_enable_ptr() != nullptr) return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
  if (bytes == 0 || payload.get_streaming_width() < bytes) return tlm::TLM_BURST_ERROR_RESPONSE;
  if (contents_ && payload.get_data_ptr() == nullptr) return tlm::TLM_GENERIC_ERROR_RESPONSE;
  return tlm::TLM_OK_RESPONSE;
}

/// Whether all its stripes have found room.
bool Hbm::place_stripes(std::uint32_t number, const Payload& payload) {
  Transaction& transaction = transactions_[number];
  const bool write = payload.is_write();
  const std::uint64_t burst = config_.burst.value;
  while (transaction.next_byte < transaction.end) {
    const DramPlace place = map_.place(transaction.next_byte);
    if (schedulers_[place.channel].full(write)) return false;
    const std::uint64_t end = std::min(map_.stripe_end(transaction.next_byte), transaction.end);
    const std::uint64_t bursts = (end + burst - 1) / burst - transaction.next_byte / burst;
    DramAccess access;
    access.row = place.row;
    access.bank = static_cast<std::uint16_t>(place.bank);
    access.data_cycles = static_cast<std::uint32_t>(bus_.cycles_for(bursts * burst));
    access.tag = number;
    schedulers_[place.channel].push(write, access);
    due_.set(place.channel);
    ++transaction.in_queues;
    transaction.next_byte = end;
  }
  return true;
}

void Hbm::access_contents(Payload& payload) {
  if (!contents_) return;
  if (payload.is_write()) {
    contents_->write(payload.get_address(), payload.get_data_ptr(), payload.get_data_length());
  } else {
    contents_->read(payload.get_address(), payload.get_data_ptr(), payload.get_data_length());
  }
}

// --- 2. commands and data -----------------------------------------------------------------------

void Hbm::run_channel(unsigned channel) {
  const Cycle next = schedulers_[channel].advance(now(), [this](std::uint32_t number, Cycle end) {
    Transaction& transaction = transactions_[number];
    transaction.data_done = std::max(transaction.data_done, end);
    --transaction.in_queues;
    const bool whole = transaction.next_byte == transaction.end && transaction.in_queues == 0;
    if (whole) {
      target_.finish(number, transaction.data_done);
      transaction = Transaction{};
    }
    if (blocked_) wake(target_reason(), now() + 1);
  });
  if (next != never) wake(channel, next);
}

// --- what others may see ------------------------------------------------------------------------

HbmCounts Hbm::counts() const {
  HbmCounts counts = counts_;
  counts.errors += target_.refused();
  for (const DramScheduler& scheduler : schedulers_) {
    counts.row_hits += scheduler.counts().row_hits;
    counts.row_misses += scheduler.counts().row_misses;
    counts.turns += scheduler.counts().turns;
    counts.data_cycles += scheduler.counts().data_cycles;
  }
  return counts;
}

std::uint64_t Hbm::refreshes(Cycle now) const {
  std::uint64_t refreshes = 0;
  for (const DramScheduler& scheduler : schedulers_) refreshes += scheduler.refreshes(now);
  return refreshes;
}

void Hbm::waits(std::vector<std::string>& lines) const {
  target_.waits(path(), "room in a queue", lines);
}

void Hbm::verify(bool drained) const {
  std::uint64_t queued = 0;
  for (const Transaction& transaction : transactions_) queued += transaction.in_queues;
  const bool idle = std::all_of(schedulers_.begin(), schedulers_.end(),
                                [](const DramScheduler& scheduler) { return scheduler.idle(); });
  if (idle != (queued == 0)) throw CheckFailure(path() + ": transactions and queues disagree");
  if (drained && target_.open() != 0) throw CheckFailure(path() + ": requests without an answer");
}

}  // namespace heddle
