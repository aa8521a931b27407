#include "accelerator/torus_endpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace heddle {

namespace {

CollectiveOptions collective_options(const TorusConfig& torus, const TorusEndpointConfig& config,
                                     const Clock& clock) {
  CollectiveOptions options;
  options.words_per_packet =
      static_cast<std::uint32_t>(torus.payload.value / collective_word_bytes);
  options.send_latency = clock.cycles(config.latency);
  options.reduce_latency = clock.cycles(config.reduce_latency);
  options.time_out = clock.cycles(config.time_out);
  options.by_packets = config.forwarding == StepForwarding::packets;
  return options;
}

}  // namespace

TorusEndpoint::TorusEndpoint(const sc_core::sc_module_name& module_name,
                             const Environment& environment, const TorusEndpointPlace& place,
                             const TorusConfig& torus, const TorusEndpointConfig& config)
    : TorusNode(module_name, environment.clock, reasons, place.buffer_flits),
      target_("memory_map", environment.clock, id(), work,
              [this](Payload& payload) { return debug(payload); }),
      memory_map(target_.socket),
      memory("memory"),
      packets_(environment.packets),
      place_(place),
      torus_(torus),
      config_(config),
      latency_(environment.clock.cycles(config.latency)),
      slots_(config.outstanding),
      asked_(place.shape.nodes()),
      engine_(place.node, collective_options(torus, config, environment.clock)) {
  for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()) - 1 - slot);
  }
  memory.register_nb_transport_bw(this, &TorusEndpoint::nb_transport_bw);
}

void TorusEndpoint::cycle() {
  due_.clear(work);
  receive();         // 1. credits; packets out of their buffers
  take_responses();  // 2. what the memory has done in earlier cycles
  act();             // 3. packets whose latency is over: answers, requests, collectives
  target_.take_requests(now(), [this](std::uint32_t number, Payload& payload) {  // 4. transactions
    return take_transaction(number, payload);
  });
  repeat_requests();           // 5. requests without an answer for too long
  ask_memory();                // 6. the next access to the memory
  advance_collectives();       // 7. begins, and results
  transmit();                  // 8. one packet to the router
  target_.respond(now());      // 9. transactions that are done
  if (returns_.send(now())) {  // 10. room to the router
    ++balance_.sent;
    ++balance_.created;
  }
  arm();
}

/// Wakes in the first later cycle in which something can be done without an arrival or a call that
/// wakes. What has not found room waits for credits.
void TorusEndpoint::arm() {
  Cycle next = engine_.next_event();
  const auto consider = [&](Cycle at) {
    if (at > now()) next = std::min(next, at);
  };
  if (!returns_.idle() || offer_again_) next = now() + 1;
  if (!arrived_.empty()) consider(arrived_.front().at);
  if (!timers_.empty()) consider(timers_.front().at);
  if (!to_memory_.empty()) consider(memory_from_);
  if (!answers_.empty()) consider(std::max(answers_.front().ready, out_->ready_at()));
  if (!requests_.empty()) consider(std::max(requests_.front().ready, out_->ready_at()));
  if (!engine_.idle()) consider(out_->ready_at());
  offer_again_ = false;
  if (next == never || (armed_ > now() && armed_ <= next)) return;
  armed_ = next;
  wake(work, next);
}

// --- 1. what has arrived ------------------------------------------------------------------------

void TorusEndpoint::receive() {
  due_.take(packet, work, [&](unsigned reason) {
    take_arrivals(reason, [&](const Frame& frame) {
      if (frame.kind == FrameKind::torus_packet) return accept(frame);
      credits_.give(frame);
      ++balance_.consumed;
    });
  });
}

/// A request needs a place among those in service; everything else leaves its buffer at once.
void TorusEndpoint::accept(const Frame& frame) {
  if (frame.destination != place_.node) {
    throw CheckFailure(
        fmt::format("a packet for node {} has come to node {}", frame.destination, place_.node));
  }
  book_arrival(packets_[frame.packet], input(packet), now());
  buffered_.add(frame.wire_bytes, now());
  if (is_request(frame)) {
    if (in_service_ == config_.service || !held_.empty()) {
      held_flits_[frame.traffic_class] += flits_of(frame);
      return held_.push_back(frame);
    }
    ++in_service_;
  }
  leave_buffer(frame);
}

bool TorusEndpoint::is_request(const Frame& frame) const {
  const TorusMessage::Kind kind = place_.messages[frame.packet].kind;
  return kind == TorusMessage::Kind::read || kind == TorusMessage::Kind::write;
}

std::uint32_t TorusEndpoint::flits_of(const Frame& frame) const {
  return frame.wire_bytes / static_cast<std::uint32_t>(torus_.flit.value);
}

void TorusEndpoint::leave_buffer(const Frame& frame) {
  packets_[frame.packet].spend(Stage::egress_queue, now());
  returns_.free(frame.traffic_class, flits_of(frame));
  buffered_.remove(frame.wire_bytes, now());
  arrived_.push_back({now() + latency_, frame});
}

void TorusEndpoint::take_held() {
  while (!held_.empty() && in_service_ < config_.service) {
    const Frame frame = held_.front();
    held_.pop_front();
    held_flits_[frame.traffic_class] -= flits_of(frame);
    ++in_service_;
    leave_buffer(frame);
  }
}

// --- 3. packets act -----------------------------------------------------------------------------

void TorusEndpoint::act() {
  take_held();
  for (; !arrived_.empty() && arrived_.front().at <= now(); arrived_.pop_front()) {
    const Frame& frame = arrived_.front().frame;
    PacketRecord& record = packets_[frame.packet];
    record.spend(Stage::pipeline, now());
    place_.log.delivered(record, frame.payload_bytes, frame.wire_bytes, now());
    const TorusMessage& message = place_.messages[frame.packet];
    if (message.kind == TorusMessage::Kind::collective) {
      engine_.receive(frame.source, message.collective, place_.messages.words(frame.packet), now());
    } else if (is_request(frame)) {
      take_request(frame);
    } else {
      take_answer(frame.packet);
    }
    packets_.release(frame.packet);
    ++balance_.consumed;
  }
}

/// A request that has come before needs no service.
void TorusEndpoint::withdraw() {
  ++counts_.duplicates;
  --in_service_;
  offer_again_ = true;
}

TorusEndpoint::Asked& TorusEndpoint::asked(unsigned node, std::uint32_t slot) {
  if (asked_[node].empty()) asked_[node].resize(config_.outstanding);
  return asked_[node][slot];
}

/// Of another node. Only the latest use of a place of its window counts, and that once.
void TorusEndpoint::take_request(const Frame& frame) {
  const TorusMessage& message = place_.messages[frame.packet];
  Asked& before = asked(frame.source, message.slot);
  const auto newer = static_cast<std::int32_t>(message.serial - before.serial);
  const bool write = message.kind == TorusMessage::Kind::write;
  if (newer < 0 || (newer == 0 && !before.answered)) return withdraw();
  if (newer == 0 && write) {  // done before; only its answer was lost
    withdraw();
    TorusMessage answer = message;
    answer.kind = TorusMessage::Kind::write_answer;
    answer.status = before.status;
    return answers_.push_back({frame.source, answer, nullptr, now() + latency_});
  }
  before = {message.serial, false, 1};
  Job& job = jobs_.acquire();
  job.transfer = none;
  job.node = frame.source;
  job.message = message;
  job.data.resize(torus_.payload.value);
  if (write && message.has_data) {
    std::memcpy(job.data.data(), place_.messages.bytes(frame.packet), message.bytes);
  }
  job.set_command(write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
  job.set_address(message.address);
  job.set_data_ptr(message.has_data ? job.data.data() : nullptr);
  job.set_data_length(message.bytes);
  job.set_streaming_width(message.bytes);
  ++counts_.served;
  to_memory_.push_back(&job);
}

void TorusEndpoint::take_answer(std::uint32_t record) {
  const TorusMessage& message = place_.messages[record];
  const Slot& slot = slots_[message.slot];
  if (slot.transfer == none || slot.serial != message.serial) {
    ++counts_.duplicates;
    return;
  }
  Payload& payload = target_.payload(slot.transfer);
  const auto status = static_cast<tlm::tlm_response_status>(message.status);
  if (message.kind == TorusMessage::Kind::read_answer && message.has_data &&
      status == tlm::TLM_OK_RESPONSE) {
    std::memcpy(payload.get_data_ptr() + slot.offset, place_.messages.bytes(record), slot.bytes);
  }
  (payload.is_write() ? counts_.bytes_written : counts_.bytes_read) += slot.bytes;
  answered(message.slot, status);
}

/// The first error is that of the transaction.
void TorusEndpoint::answered(std::uint32_t number, tlm::tlm_response_status status) {
  free_slots_.push_back(number);
  piece_done(std::exchange(slots_[number].transfer, none), status);
}

void TorusEndpoint::piece_done(std::uint32_t number, tlm::tlm_response_status status) {
  Transfer& transfer = transfers_[number];
  if (transfer.status == tlm::TLM_OK_RESPONSE) transfer.status = status;
  const bool placed = transfer.next == target_.payload(number).get_data_length();
  if (--transfer.unanswered == 0 && placed) end_transfer(number);
}

// --- 2. and 6. the memory -----------------------------------------------------------------------

TorusEndpoint::Job& TorusEndpoint::Jobs::acquire() {
  if (free_.empty()) {
    jobs_.emplace_back(this);
    free_.push_back(&jobs_.back());
  }
  Job& job = *free_.back();
  free_.pop_back();
  job.acquire();
  job.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  job.set_dmi_allowed(false);
  return job;
}

void TorusEndpoint::Jobs::free(Payload* payload) {
  payload->reset();
  free_.push_back(static_cast<Job*>(payload));
}

/// Those of one cycle in the order of their requests: several memories may answer in it.
void TorusEndpoint::take_responses() {
  const auto end = std::find_if(responses_.begin(), responses_.end(),
                                [&](const Response& response) { return response.at > now(); });
  std::sort(responses_.begin(), end, [](const Response& a, const Response& b) {
    return a.at != b.at ? a.at < b.at : a.job->order < b.job->order;
  });
  for (auto response = responses_.begin(); response != end; ++response) {
    conclude_job(*response->job);
  }
  responses_.erase(responses_.begin(), end);
}

void TorusEndpoint::conclude_job(Job& job) {
  const tlm::tlm_response_status status = job.get_response_status();
  if (job.transfer != none) {
    piece_done(job.transfer, status);
    return job.release();
  }
  const bool read = job.is_read();
  TorusMessage answer = job.message;
  answer.kind = read ? TorusMessage::Kind::read_answer : TorusMessage::Kind::write_answer;
  answer.status = static_cast<std::int8_t>(status);
  Asked& done = asked(job.node, answer.slot);
  done.answered = true;
  done.status = answer.status;
  --in_service_;
  const bool data = read && status == tlm::TLM_OK_RESPONSE;
  answers_.push_back({job.node, answer, data ? &job : nullptr, now() + latency_});
  if (!data) job.release();
}

void TorusEndpoint::ask_memory() {
  if (to_memory_.empty() || memory_from_ > now()) return;
  Job& job = *to_memory_.front();
  to_memory_.pop_front();
  memory_from_ = never;
  asking_ = &job;
  job.order = order_++;
  offer_again_ = true;
  tlm::tlm_phase phase = tlm::BEGIN_REQ;
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  const tlm::tlm_sync_enum answer = memory->nb_transport_fw(job, phase, delay);
  if (answer == tlm::TLM_ACCEPTED) return;
  asking_ = nullptr;
  memory_from_ = now() + 1;
  if (answer == tlm::TLM_COMPLETED || phase == tlm::BEGIN_RESP) memory_answers(job);
}

tlm::tlm_sync_enum TorusEndpoint::nb_transport_bw(Payload& payload, tlm::tlm_phase& phase,
                                                  sc_core::sc_time&) {
  if (&payload == asking_) {  // END_REQ, or BEGIN_RESP that implies it
    asking_ = nullptr;
    memory_from_ = next();
    wake(work, memory_from_);
  }
  if (phase != tlm::BEGIN_RESP) return tlm::TLM_ACCEPTED;
  memory_answers(payload);
  return tlm::TLM_COMPLETED;
}

void TorusEndpoint::memory_answers(Payload& payload) {
  responses_.push_back({static_cast<Job*>(&payload), next()});
  wake(work, responses_.back().at);
}

// --- 4. the chip's initiators -------------------------------------------------------------------

bool TorusEndpoint::take_transaction(std::uint32_t number, Payload& payload) {
  if (transfers_.size() <= number) transfers_.resize(number + 1);
  Transfer& transfer = transfers_[number];
  if (!transfer.begun) {
    const tlm::tlm_response_status status = verdict(payload);
    if (status != tlm::TLM_OK_RESPONSE) {
      payload.set_response_status(status);
      ++counts_.errors;
      target_.finish(number, now() + 1);
      return true;
    }
    transfer = Transfer{};
    transfer.begun = true;
    transfer.taken = now();
    transfer.own = payload.get_address() / place_.memory_bytes == place_.node;
    ++(payload.is_write() ? counts_.writes : counts_.reads);
    counts_.own += transfer.own ? 1 : 0;
  }
  return place_packets(number, payload);
}

tlm::tlm_response_status TorusEndpoint::verdict(const Payload& payload) const {
  const std::uint64_t bytes = payload.get_data_length();
  const std::uint64_t offset = payload.get_address() % place_.memory_bytes;
  if (!payload.is_read() && !payload.is_write()) return tlm::TLM_COMMAND_ERROR_RESPONSE;
  if (payload.get_address() / place_.memory_bytes >= place_.shape.nodes() ||
      bytes > place_.memory_bytes - offset) {
    return tlm::TLM_ADDRESS_ERROR_RESPONSE;
  }
  if (payload.get_byte_enable_ptr() != nullptr) return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
  if (bytes == 0 || payload.get_streaming_width() < bytes) return tlm::TLM_BURST_ERROR_RESPONSE;
  return tlm::TLM_OK_RESPONSE;
}

/// Whether all of its packets have places in the window, or in the memory's queue.
bool TorusEndpoint::place_packets(std::uint32_t number, Payload& payload) {
  Transfer& transfer = transfers_[number];
  const std::uint64_t size = torus_.payload.value;
  while (transfer.next < payload.get_data_length()) {
    const std::uint64_t address = payload.get_address() % place_.memory_bytes + transfer.next;
    const auto bytes = static_cast<std::uint32_t>(
        std::min(size - address % size, payload.get_data_length() - transfer.next));
    if (!(transfer.own ? place_own(number, payload, address, bytes)
                       : place_remote(number, bytes))) {
      return false;
    }
    ++transfer.unanswered;
    transfer.next += bytes;
  }
  return true;
}

bool TorusEndpoint::place_own(std::uint32_t number, const Payload& payload, std::uint64_t address,
                              std::uint32_t bytes) {
  if (to_memory_.size() >= config_.service) return false;
  Job& job = jobs_.acquire();
  job.transfer = number;
  unsigned char* const data = payload.get_data_ptr();
  job.set_command(payload.get_command());
  job.set_address(address);
  job.set_data_ptr(data == nullptr ? nullptr : data + transfers_[number].next);
  job.set_data_length(bytes);
  job.set_streaming_width(bytes);
  to_memory_.push_back(&job);
  return true;
}

bool TorusEndpoint::place_remote(std::uint32_t number, std::uint32_t bytes) {
  if (free_slots_.empty()) return false;
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  slots_[slot] = {number, slots_[slot].serial + 1, transfers_[number].next, bytes, 0};
  requests_.push_back({slot, slots_[slot].serial, now() + latency_});
  return true;
}

void TorusEndpoint::end_transfer(std::uint32_t number) {
  Transfer& transfer = transfers_[number];
  Payload& payload = target_.payload(number);
  payload.set_response_status(transfer.status);
  if (transfer.status != tlm::TLM_OK_RESPONSE) ++counts_.errors;
  const auto node = static_cast<unsigned>(payload.get_address() / place_.memory_bytes);
  place_.memory_log.done(payload.is_write(), torus_hops(place_.shape, place_.node, node),
                         payload.get_data_length(), transfer.taken, now());
  transfer.begun = false;
  target_.finish(number, now());
}

/// Of the memory that is meant, at once.
unsigned TorusEndpoint::debug(Payload& payload) {
  const std::uint64_t address = payload.get_address();
  const std::uint64_t node = address / place_.memory_bytes;
  if (node >= place_.peers.size() || place_.peers[node]->memory.size() == 0) return 0;
  payload.set_address(address % place_.memory_bytes);
  const unsigned bytes = place_.peers[node]->memory->transport_dbg(payload);
  payload.set_address(address);
  return bytes;
}

// --- 5. repeats ---------------------------------------------------------------------------------

void TorusEndpoint::repeat_requests() {
  while (!timers_.empty()) {
    const Timer timer = timers_.front();
    Slot& slot = slots_[timer.slot];
    const bool waits = slot.transfer != none && slot.serial == timer.serial;
    if (waits && timer.at > now()) return;
    timers_.pop_front();
    if (!waits) continue;
    if (slot.repeats == config_.repeats) {
      answered(timer.slot, tlm::TLM_GENERIC_ERROR_RESPONSE);
      offer_again_ = true;
      continue;
    }
    ++slot.repeats;
    ++counts_.repeated;
    requests_.push_back({timer.slot, timer.serial, now()});
  }
}

// --- 7. collectives -----------------------------------------------------------------------------

void TorusEndpoint::begin_collective(const CollectiveJob& job, std::function<void(Cycle)> done,
                                     Cycle at) {
  begins_.push_back({std::max(at, next()), job, std::move(done)});
  wake(work, begins_.back().at);
}

void TorusEndpoint::advance_collectives() {
  if (!begins_.empty()) {
    const auto begun = std::stable_partition(begins_.begin(), begins_.end(),
                                             [&](const Begin& b) { return b.at > now(); });
    std::sort(begun, begins_.end(),
              [](const Begin& a, const Begin& b) { return a.job.tag < b.job.tag; });
    for (auto begin = begun; begin != begins_.end(); ++begin) {
      engine_.begin(begin->job, now());
      done_.emplace_back(begin->job.tag, std::move(begin->done));
    }
    begins_.erase(begun, begins_.end());
  }
  engine_.advance(now(), [&](const CollectiveEngine::Completion& completion) {
    const auto found = std::find_if(done_.begin(), done_.end(), [&](const auto& entry) {
      return entry.first == completion.tag;
    });
    const auto done = std::move(found->second);
    done_.erase(found);
    if (done) done(completion.cycles);
  });
}

// --- 8. packets to the router -------------------------------------------------------------------

/// Answers, messages about collectives, requests and data of collectives, in turn.
void TorusEndpoint::transmit() {
  if (!out_->ready(now())) return;
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned kind = (turn_.pointer() + i) % 4;
    const bool sent = kind == 0   ? send_answer()
                      : kind == 1 ? send_control()
                      : kind == 2 ? send_request()
                                  : send_piece();
    if (!sent) continue;
    turn_.move_behind(kind);
    return;
  }
}

bool TorusEndpoint::fits(unsigned channel, std::uint64_t payload_bytes) const {
  return credits_.room(channel) >= torus_.flits(payload_bytes);
}

/// The channel of a message class, before the dateline, with most room.
unsigned TorusEndpoint::best_lane(unsigned message_class) const {
  const auto lanes = static_cast<unsigned>(torus_.lanes);
  const unsigned first = message_class * 2 * lanes;
  unsigned best = first;
  for (unsigned channel = first + 1; channel < first + lanes; ++channel) {
    if (credits_.room(channel) > credits_.room(best)) best = channel;
  }
  return best;
}

bool TorusEndpoint::send_answer() {
  if (answers_.empty() || answers_.front().ready > now()) return false;
  const Answer& answer = answers_.front();
  const std::uint64_t bytes = answer.job == nullptr ? 0 : answer.message.bytes;
  const unsigned channel = best_lane(1);
  if (!fits(channel, bytes)) return false;
  const std::uint32_t record = new_packet(answer.ready);
  place_.messages[record] = answer.message;
  if (answer.job != nullptr) {
    if (answer.message.has_data) {
      std::memcpy(place_.messages.bytes(record), answer.job->data.data(), bytes);
    }
    answer.job->release();
  }
  send_packet(record, answer.node, channel, bytes);
  answers_.pop_front();
  return true;
}

bool TorusEndpoint::send_control() {
  if (!engine_.has_control()) return false;
  const CollectiveEngine::Outgoing& outgoing = engine_.control();
  const bool asks = outgoing.message.kind == CollectiveMessage::Kind::probe;
  const unsigned channel = best_lane(asks ? 0 : 1);
  if (!fits(channel, 0)) return false;
  const std::uint32_t record = new_packet(now());
  TorusMessage& message = place_.messages[record];
  message = TorusMessage{};
  message.kind = TorusMessage::Kind::collective;
  message.collective = outgoing.message;
  send_packet(record, outgoing.node, channel, 0);
  engine_.send_control();
  return true;
}

/// Of transactions that have ended meanwhile.
void TorusEndpoint::drop_void_requests() {
  while (!requests_.empty()) {
    const Request& request = requests_.front();
    const Slot& slot = slots_[request.slot];
    if (slot.transfer != none && slot.serial == request.serial) return;
    requests_.pop_front();
  }
}

bool TorusEndpoint::send_request() {
  drop_void_requests();
  if (requests_.empty() || requests_.front().ready > now()) return false;
  const Request request = requests_.front();
  const Slot& slot = slots_[request.slot];
  Payload& payload = target_.payload(slot.transfer);
  const bool write = payload.is_write();
  const std::uint64_t bytes = write ? slot.bytes : 0;
  const unsigned channel = best_lane(0);
  if (!fits(channel, bytes)) return false;
  const std::uint32_t record = new_packet(request.ready);
  TorusMessage& message = place_.messages[record];
  message = TorusMessage{};
  message.kind = write ? TorusMessage::Kind::write : TorusMessage::Kind::read;
  message.has_data = payload.get_data_ptr() != nullptr;
  message.slot = request.slot;
  message.serial = request.serial;
  message.bytes = slot.bytes;
  message.address = payload.get_address() % place_.memory_bytes + slot.offset;
  if (write && message.has_data) {
    std::memcpy(place_.messages.bytes(record), payload.get_data_ptr() + slot.offset, bytes);
  }
  send_packet(record, static_cast<unsigned>(payload.get_address() / place_.memory_bytes), channel,
              bytes);
  requests_.pop_front();
  ++counts_.requests;
  timers_.push_back({now() + clock_.cycles(config_.time_out), request.slot, request.serial});
  return true;
}

/// A lane of a schedule keeps to a lane of the torus: rings that are passed in different directions
/// do not wait for each other at the node's own link.
bool TorusEndpoint::send_piece() {
  if (!engine_.has_piece()) return false;
  const auto channel = engine_.piece_lane() % static_cast<unsigned>(torus_.lanes);
  const std::uint64_t bytes = engine_.piece_words() * collective_word_bytes;
  if (!fits(channel, bytes)) return false;
  const std::uint32_t record = new_packet(now());
  TorusMessage& message = place_.messages[record];
  message = TorusMessage{};
  message.kind = TorusMessage::Kind::collective;
  const CollectiveEngine::Outgoing outgoing =
      engine_.send_piece(place_.messages.words(record), now());
  message.collective = outgoing.message;
  send_packet(record, outgoing.node, channel, bytes);
  return true;
}

std::uint32_t TorusEndpoint::new_packet(Cycle due) {
  const std::uint32_t record = packets_.acquire();
  packets_[record].due = due;
  return record;
}

void TorusEndpoint::send_packet(std::uint32_t record, unsigned node, unsigned channel,
                                std::uint64_t payload_bytes) {
  const std::uint64_t flits = torus_.flits(payload_bytes);
  Frame frame;
  frame.kind = FrameKind::torus_packet;
  frame.traffic_class = static_cast<std::uint8_t>(channel);
  if (channel >= 2 * torus_.lanes) frame.flags = frame_flag::response;
  frame.wire_bytes = static_cast<std::uint16_t>(flits * torus_.flit.value);
  frame.payload_bytes = static_cast<std::uint16_t>(payload_bytes);
  frame.source = static_cast<std::uint16_t>(place_.node);
  frame.destination = static_cast<std::uint16_t>(node);
  frame.sequence = sequence_++;
  frame.packet = record;
  packets_[record].order = frame.sequence;
  credits_.take(channel, static_cast<std::uint32_t>(flits));
  out_->send(frame, now());
  place_.log.injected(packets_[record].due, frame.wire_bytes, now());
  ++balance_.created;
  ++balance_.sent;
}

// --- what others may see ------------------------------------------------------------------------

bool TorusEndpoint::idle() const {
  return target_.open() == 0 && requests_.empty() && held_.empty() && in_service_ == 0 &&
         answers_.empty() && arrived_.empty() && jobs_.live() == 0 && begins_.empty() &&
         engine_.idle();
}

/// Packets of the chip's transactions, to its own memory or to others.
std::uint64_t TorusEndpoint::unanswered(bool own) const {
  std::uint64_t packets = 0;
  for (const Transfer& t : transfers_) packets += t.own == own ? t.unanswered : 0;
  return packets;
}

void TorusEndpoint::waits(std::vector<std::string>& lines) const {
  target_.waits(path(), "places of the window", lines);
  const std::size_t asked = slots_.size() - free_slots_.size();
  if (asked != 0) {
    lines.push_back(fmt::format("{}: {} packets asked of other nodes, {} of them not yet sent",
                                path(), asked, requests_.size()));
  }
  if (!held_.empty()) {
    lines.push_back(
        fmt::format("{}: {} requests of other nodes wait for its memory, the first from "
                    "node {}",
                    path(), held_.size(), held_.front().source));
  }
  if (const std::uint64_t own = unanswered(true); in_service_ + own != 0) {
    lines.push_back(fmt::format(
        "{}: its memory has not answered {} requests of other nodes and {} "
        "of its own{}",
        path(), in_service_, own, memory_from_ == never ? ", and has not taken the latest" : ""));
  }
  if (!answers_.empty()) {
    lines.push_back(fmt::format("{}: {} answers wait for room at its router, the first to node {}",
                                path(), answers_.size(), answers_.front().node));
  }
  engine_.waits(path(), lines);
}

std::vector<BufferView> TorusEndpoint::buffers() const {
  return {{"inputs", BufferRole::nic, &buffered_, true}};
}

std::vector<StateView> TorusEndpoint::state() const {
  using Kind = StateView::Kind;
  std::vector<StateView> views;
  for (unsigned c = 0; c < torus_.virtual_channels(); ++c) {
    views.push_back({fmt::format("channel{}_room_flits", c), Kind::level, 32,
                     [this, c] { return std::uint64_t{room(c)}; }});
  }
  views.push_back({"window_packets", Kind::level, 32,
                   [this] { return std::uint64_t{slots_.size() - free_slots_.size()}; }});
  views.push_back(
      {"waiting_requests", Kind::level, 32, [this] { return std::uint64_t{requests_.size()}; }});
  views.push_back({"in_service", Kind::level, 32, [this] { return std::uint64_t{in_service_}; }});
  views.push_back(
      {"held_requests", Kind::level, 32, [this] { return std::uint64_t{held_.size()}; }});
  views.push_back(
      {"waiting_accesses", Kind::level, 32, [this] { return std::uint64_t{to_memory_.size()}; }});
  views.push_back(
      {"waiting_answers", Kind::level, 32, [this] { return std::uint64_t{answers_.size()}; }});
  views.push_back({"piece_sent", Kind::strobe, 1, [this] { return engine_.counts().pieces_sent; }});
  views.push_back(
      {"piece_received", Kind::strobe, 1, [this] { return engine_.counts().pieces_received; }});
  views.push_back(
      {"repeat", Kind::strobe, 1, [this] { return counts_.repeated + engine_.counts().repeated; }});
  return views;
}

FrameBalance TorusEndpoint::balance() const {
  FrameBalance balance = balance_;
  balance.received = frames_taken();
  balance.held = held_.size() + arrived_.size();
  return balance;
}

void TorusEndpoint::verify(bool drained) const {
  if (unanswered(false) != slots_.size() - free_slots_.size()) {
    throw CheckFailure(
        fmt::format("{}: {} packets without an answer, {} places of the window taken", path(),
                    unanswered(false), slots_.size() - free_slots_.size()));
  }
  if (drained && !idle()) throw CheckFailure(path() + ": something is left behind");
}

}  // namespace heddle
