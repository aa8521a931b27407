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
    : Device(module_name, clock, static_cast<unsigned>(config.channels) + 2),
      socket("socket"),
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
  socket.register_nb_transport_fw(this, &Hbm::nb_transport_fw);
  socket.register_b_transport(this, &Hbm::b_transport);
  socket.register_transport_dbg(this, &Hbm::transport_dbg);
}

void Hbm::start_of_simulation() {
  ports_.resize(socket.size());
  responders_.resize(socket.size());
}

void Hbm::cycle() {
  take_requests();  // 1. requests into queues
  due_.take(0, channels(), [this](unsigned channel) { run_channel(channel); });  // 2. commands
  respond();                                                                     // 3. responses
}

// --- calls of initiators, at any time ---------------------------------------------------------

/// The cycle after the one in which a call with this delay arrives.
Cycle Hbm::cycle_after(const sc_core::sc_time& delay) const {
  return clock_.first_cycle_after(sc_core::sc_time_stamp() + delay);
}

tlm::tlm_sync_enum Hbm::nb_transport_fw(int id, Payload& payload, tlm::tlm_phase& phase,
                                        sc_core::sc_time& delay) {
  const auto number = static_cast<unsigned>(id);
  Port& port = ports_[number];
  if (phase == tlm::BEGIN_REQ) {
    if (port.requesting || !payload.has_mm()) {
      payload.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
      ++counts_.errors;
      return tlm::TLM_COMPLETED;
    }
    port.requesting = true;
    payload.acquire();
    arrive(number, payload, nullptr, delay);
  } else if (phase == tlm::END_RESP && port.responding != none) {
    end_response(number, cycle_after(delay));
  }
  return tlm::TLM_ACCEPTED;
}

void Hbm::b_transport(int id, Payload& payload, sc_core::sc_time& delay) {
  sc_core::sc_event done;
  arrive(static_cast<unsigned>(id), payload, &done, delay);
  sc_core::wait(done);
  delay = sc_core::SC_ZERO_TIME;
}

unsigned Hbm::transport_dbg(int, Payload& payload) {
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

void Hbm::arrive(unsigned port, Payload& payload, sc_core::sc_event* done,
                 const sc_core::sc_time& delay) {
  const std::uint32_t number = new_transaction();
  Transaction& transaction = transactions_[number];
  transaction.payload = &payload;
  transaction.done = done;
  transaction.port = port;
  transaction.visible_at = cycle_after(delay);
  insert(ports_[port].arrived, number);
  wake(arrival_reason(), transaction.visible_at);
}

// --- 1. requests into queues --------------------------------------------------------------------

void Hbm::take_requests() {
  if (!due_.test(arrival_reason())) return;
  due_.clear(arrival_reason());
  blocked_ = false;
  const auto ports = static_cast<unsigned>(ports_.size());
  const unsigned first = first_port_;
  for (unsigned i = 0; i < ports; ++i) {
    const unsigned port = (first + i) % ports;
    if (!take_request(port)) continue;
    first_port_ = (port + 1) % ports;
    if (!ports_[port].arrived.empty()) wake(arrival_reason(), now() + 1);
  }
}

/// Whether the oldest request of a port is now taken as a whole.
bool Hbm::take_request(unsigned port) {
  List& arrived = ports_[port].arrived;
  if (arrived.empty() || transactions_[arrived.head].visible_at > now()) return false;
  const std::uint32_t number = arrived.head;
  if (begin(number)) {
    if (!place_stripes(number)) {
      blocked_ = true;
      return false;
    }
    access_contents(*transactions_[number].payload);
  } else {
    finish(number, now() + 1);
  }
  pop(arrived);
  end_request(port, number);
  return true;
}

/// Whether the request is a right one; settled when it is first looked at.
bool Hbm::begin(std::uint32_t number) {
  Transaction& transaction = transactions_[number];
  if (transaction.end != 0) return true;
  Payload& payload = *transaction.payload;
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
bool Hbm::place_stripes(std::uint32_t number) {
  Transaction& transaction = transactions_[number];
  const bool write = transaction.payload->is_write();
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

void Hbm::end_request(unsigned port, std::uint32_t number) {
  const Transaction& transaction = transactions_[number];
  if (transaction.done != nullptr) return;
  ports_[port].requesting = false;
  tlm::tlm_phase phase = tlm::END_REQ;
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  socket[static_cast<int>(port)]->nb_transport_bw(*transaction.payload, phase, delay);
}

// --- 2. commands and data -----------------------------------------------------------------------

void Hbm::run_channel(unsigned channel) {
  const Cycle next = schedulers_[channel].advance(now(), [this](std::uint32_t number, Cycle end) {
    Transaction& transaction = transactions_[number];
    transaction.data_done = std::max(transaction.data_done, end);
    --transaction.in_queues;
    const bool whole = transaction.next_byte == transaction.end && transaction.in_queues == 0;
    if (whole) finish(number, transaction.data_done);
    if (blocked_) wake(arrival_reason(), now() + 1);
  });
  if (next != never) wake(channel, next);
}

/// The response is due in cycle `at`.
void Hbm::finish(std::uint32_t number, Cycle at) {
  done_.push({at, done_order_++, number});
  wake(respond_reason(), at);
}

// --- 3. responses -------------------------------------------------------------------------------

void Hbm::respond() {
  due_.clear(respond_reason());
  for (; !done_.empty() && done_.top().at <= now(); done_.pop()) {
    const std::uint32_t number = done_.top().transaction;
    const unsigned port = transactions_[number].port;
    append(ports_[port].responses, number);
    responders_.set(port);
  }
  responders_.for_each([this](unsigned port) {
    const Port& p = ports_[port];
    if (p.responding != none) return;  // its END_RESP wakes us
    if (p.respond_from > now()) return wake(respond_reason(), p.respond_from);
    begin_response(port);
  });
}

void Hbm::begin_response(unsigned port) {
  Port& p = ports_[port];
  p.responding = pop(p.responses);
  if (p.responses.empty()) responders_.clear(port);
  const Transaction& transaction = transactions_[p.responding];
  if (transaction.done != nullptr) {
    transaction.done->notify(sc_core::SC_ZERO_TIME);
    return end_response(port, now() + 1);
  }
  tlm::tlm_phase phase = tlm::BEGIN_RESP;
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  const tlm::tlm_sync_enum answer =
      socket[static_cast<int>(port)]->nb_transport_bw(*transaction.payload, phase, delay);
  const bool ended =
      answer == tlm::TLM_COMPLETED || (answer == tlm::TLM_UPDATED && phase == tlm::END_RESP);
  if (ended && p.responding != none) end_response(port, cycle_after(delay));
}

/// The port may get its next response in cycle `respond_from`.
void Hbm::end_response(unsigned port, Cycle respond_from) {
  Port& p = ports_[port];
  const std::uint32_t number = std::exchange(p.responding, none);
  p.respond_from = respond_from;
  if (transactions_[number].done == nullptr) transactions_[number].payload->release();
  forget(number);
  if (responders_.test(port)) wake(respond_reason(), respond_from);
}

// --- transactions -------------------------------------------------------------------------------

std::uint32_t Hbm::new_transaction() {
  ++open_;
  if (free_.empty()) {
    transactions_.emplace_back();
    return static_cast<std::uint32_t>(transactions_.size() - 1);
  }
  const std::uint32_t number = pop(free_);
  transactions_[number] = Transaction{};
  return number;
}

void Hbm::forget(std::uint32_t number) {
  --open_;
  append(free_, number);
}

void Hbm::append(List& list, std::uint32_t number) {
  transactions_[number].next = none;
  (list.empty() ? list.head : transactions_[list.tail].next) = number;
  list.tail = number;
}

/// Behind those that are visible as early.
void Hbm::insert(List& list, std::uint32_t number) {
  const auto later = [&](std::uint32_t other) {
    return transactions_[other].visible_at > transactions_[number].visible_at;
  };
  if (list.empty() || !later(list.tail)) return append(list, number);
  std::uint32_t* place = &list.head;
  while (!later(*place)) place = &transactions_[*place].next;
  transactions_[number].next = std::exchange(*place, number);
}

std::uint32_t Hbm::pop(List& list) {
  const std::uint32_t number = list.head;
  list.head = transactions_[number].next;
  return number;
}

// --- what others may see ------------------------------------------------------------------------

HbmCounts Hbm::counts() const {
  HbmCounts counts = counts_;
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
  for (std::size_t port = 0; port < ports_.size(); ++port) {
    if (!ports_[port].arrived.empty()) {
      lines.push_back(
          fmt::format("{}: a request of initiator {} waits for room in a queue", path(), port));
    }
    if (ports_[port].responding != none) {
      lines.push_back(fmt::format("{}: initiator {} has not ended a response", path(), port));
    }
  }
}

void Hbm::verify(bool drained) const {
  std::uint64_t queued = 0;
  for (const Transaction& transaction : transactions_) queued += transaction.in_queues;
  const bool idle = std::all_of(schedulers_.begin(), schedulers_.end(),
                                [](const DramScheduler& scheduler) { return scheduler.idle(); });
  if (idle != (queued == 0)) throw CheckFailure(path() + ": transactions and queues disagree");
  if (drained && open_ != 0) throw CheckFailure(path() + ": requests without an answer");
}

}  // namespace heddle
