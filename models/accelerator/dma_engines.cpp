#include "accelerator/dma_engines.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace heddle {

DmaEngines::DmaEngines(Clock& clock, const AcceleratorConfig& config, std::uint32_t device,
                       unsigned first_reason)
    : clock_(clock),
      config_(config.dma),
      interleave_bytes_(config.memory.interleave.value),
      stacks_(config.memory.stacks),
      device_(device),
      first_reason_(first_reason),
      start_(clock.cycles(config.dma.start)),
      descriptor_cycles_(clock.cycles(config.dma.descriptor_time)),
      rate_(LinkRate::of(config.dma.rate, clock)),
      ports_(config.memory.stacks + 1),
      engines_(config.dma.engines),
      deal_from_(config.dma.queues, 0),
      under_way_(config.dma.queues) {
  for (Mover& engine : engines_) engine.queues.resize(config.dma.queues);
  for (unsigned port = 0; port < ports_.size(); ++port) {
    const std::string name =
        port < stacks_ ? fmt::format("memory{}", port) : std::string("remote_memory");
    sockets_.push_back(std::make_unique<Socket>(name.c_str()));
    sockets_.back()->register_nb_transport_bw(this, &DmaEngines::nb_transport_bw,
                                              static_cast<int>(port));
  }
}

// --- transfers ----------------------------------------------------------------------------------

void DmaEngines::post(const Instruction& instruction, Engine poster, std::uint32_t kernel,
                      Cycle now) {
  const std::uint32_t number = new_transfer();
  Transfer& transfer = transfers_[number];
  transfer.finished.times = {};
  transfer.finished.times.posted = now;
  transfer.finished.times.remote = instruction.remote;
  transfer.finished.signals = instruction.signals;
  transfer.finished.poster = poster;
  transfer.finished.kernel = kernel;
  transfer.finished.bytes = instruction.bytes;
  transfer.finished.queue = instruction.queue;
  transfer.finished.write = instruction.write;
  transfer.address = instruction.address;
  transfer.descriptors = static_cast<std::uint32_t>(
      (instruction.bytes + config_.descriptor.value - 1) / config_.descriptor.value);
  transfer.open = transfer.descriptors;
  transfer.begun = 0;
  transfer.ready_at = now + start_;
  ++open_;
  ++counts_.transfers;
  counts_.descriptors += transfer.descriptors;
  (instruction.remote  ? counts_.bytes_remote
   : instruction.write ? counts_.bytes_written
                       : counts_.bytes_read) += instruction.bytes;
  unsigned& from = deal_from_[instruction.queue];
  const std::uint32_t shares = std::min<std::uint32_t>(transfer.descriptors, engines());
  for (std::uint32_t i = 0; i < shares; ++i) {
    const unsigned to = (from + i) % engines();
    engines_[to].queues[instruction.queue].push_back({number, i});
    engines_[to].filled |= 1U << instruction.queue;
    wake_engine(to, std::max(transfer.ready_at, engines_[to].free_at));
  }
  under_way_[instruction.queue].transfers.push_back(number);
  from = (from + transfer.descriptors) % engines();
}

std::uint32_t DmaEngines::new_transfer() {
  if (free_transfers_.empty()) {
    transfers_.emplace_back();
    return static_cast<std::uint32_t>(transfers_.size() - 1);
  }
  const std::uint32_t number = free_transfers_.back();
  free_transfers_.pop_back();
  return number;
}

std::uint32_t DmaEngines::new_descriptor() {
  if (free_descriptors_.empty()) {
    descriptors_.emplace_back();
    return static_cast<std::uint32_t>(descriptors_.size() - 1);
  }
  const std::uint32_t number = free_descriptors_.back();
  free_descriptors_.pop_back();
  return number;
}

/// All are whole but the last.
std::uint64_t DmaEngines::bytes_of(const Transfer& transfer, std::uint32_t number) const {
  const std::uint64_t before = std::uint64_t{number} * config_.descriptor.value;
  return std::min(config_.descriptor.value, transfer.finished.bytes - before);
}

// --- engines ------------------------------------------------------------------------------------

void DmaEngines::run(Cycle now) {
  for (unsigned number = 0; number < engines_.size(); ++number) {
    if (engines_[number].filled != 0) run_engine(number, now);
  }
  for (unsigned number = 0; number < ports_.size(); ++number) run_port(number, now);
}

/// The queue whose turn it is, or queues.size(); then `ready_at` is when one may be ready.
unsigned DmaEngines::next_queue(const Mover& engine, Cycle now, Cycle& ready_at) const {
  const auto queues = static_cast<unsigned>(engine.queues.size());
  for (unsigned i = 0; i < queues; ++i) {
    const unsigned queue = (engine.turn + i) % queues;
    if ((engine.filled >> queue & 1) == 0) continue;
    const Cycle ready = transfers_[engine.queues[queue].front().transfer].ready_at;
    if (ready <= now) return queue;
    ready_at = std::min(ready_at, ready);
  }
  return queues;
}

void DmaEngines::run_engine(unsigned number, Cycle now) {
  Mover& engine = engines_[number];
  if (now < engine.free_at) return;
  Cycle ready_at = never;
  const unsigned queue = next_queue(engine, now, ready_at);
  if (queue == engine.queues.size()) {
    engine.account.book(CycleCause::idle, now);
    if (ready_at != never) wake_engine(number, ready_at);
    return;
  }
  if (engine.requests != 0 || engine.outstanding == config_.outstanding) {
    engine.held_from = std::min(engine.held_from, now);
    return;
  }
  begin(number, queue, now);
}

void DmaEngines::begin(unsigned number, unsigned queue, Cycle now) {
  Mover& engine = engines_[number];
  std::deque<Share>& shares = engine.queues[queue];
  Share& share = shares.front();
  Transfer& transfer = transfers_[share.transfer];
  TransferTimes& times = transfer.finished.times;
  const std::uint64_t bytes = bytes_of(transfer, share.next);
  const Cycle cost = std::max(descriptor_cycles_, rate_.cycles_for(bytes));

  // The time since it was free with something to do was spent waiting for the memory.
  const Cycle held_from = std::min(engine.held_from, now);
  engine.held_from = never;
  engine.account.book(CycleCause::idle, held_from);
  times.stalled += now - std::max(held_from, transfer.ready_at);
  engine.account.book(engine.remote ? CycleCause::torus : CycleCause::hbm, now);
  engine.account.book(CycleCause::busy, now + cost);

  if (transfer.begun++ == 0) times.begun = now;
  times.worked += cost;
  times.engine_done = std::max(times.engine_done, now + cost);
  engine.remote = times.remote;
  engine.free_at = now + cost;
  engine.turn = (queue + 1) % static_cast<unsigned>(engine.queues.size());
  ++engine.outstanding;
  const std::uint32_t descriptor = new_descriptor();
  descriptors_[descriptor] = {share.transfer, static_cast<std::uint16_t>(number), 0, now + cost};
  ask_for(descriptor, transfer,
          transfer.address + std::uint64_t{share.next} * config_.descriptor.value, bytes);
  share.next += engines();
  if (share.next >= transfer.descriptors) {
    shares.pop_front();
    if (shares.empty()) engine.filled &= ~(1U << queue);
  }
  if (engine.filled != 0) wake_engine(number, engine.free_at);
}

/// One request per block of addresses, which lies in one stack, of this chip or of another.
void DmaEngines::ask_for(std::uint32_t descriptor, const Transfer& transfer, std::uint64_t address,
                         std::uint64_t bytes) {
  Descriptor& asked = descriptors_[descriptor];
  const auto ask = [&](unsigned port, std::uint64_t at, std::uint64_t length) {
    ports_[port].requests.push_back(
        {descriptor, static_cast<std::uint32_t>(length), at, transfer.finished.write});
    ++asked.answers;
  };
  for (const std::uint64_t end = address + bytes; address < end;) {
    const std::uint64_t block = address / interleave_bytes_;
    const std::uint64_t length = std::min((block + 1) * interleave_bytes_, end) - address;
    if (transfer.finished.times.remote) {
      ask(remote_socket(), address, length);
    } else {
      ask(static_cast<unsigned>(block % stacks_),
          block / stacks_ * interleave_bytes_ + address % interleave_bytes_, length);
    }
    address += length;
  }
  engines_[asked.engine].requests = asked.answers;
}

// --- memory -------------------------------------------------------------------------------------

void DmaEngines::run_port(unsigned number, Cycle now) {
  Port& port = ports_[number];
  if (port.requests.empty() || now < port.request_from) return;
  const Request request = port.requests.front();
  port.requests.pop_front();
  port.request_from = never;
  port.requesting = request.descriptor;
  tlm::tlm_generic_payload& payload = payloads_.acquire();
  auto* tag = payload.get_extension<Tag>();
  if (tag == nullptr) {
    tag = new Tag;
    payload.set_extension(tag);
  }
  tag->descriptor = request.descriptor;
  payload.set_command(request.write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
  payload.set_address(request.address);
  payload.set_data_ptr(nullptr);  // what the engines compute has no contents
  payload.set_data_length(request.bytes);
  payload.set_streaming_width(request.bytes);
  port.request = &payload;
  tlm::tlm_phase phase = tlm::BEGIN_REQ;
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  const tlm::tlm_sync_enum said = (*sockets_[number])->nb_transport_fw(payload, phase, delay);
  if (said == tlm::TLM_ACCEPTED) return;
  const bool answered = said == tlm::TLM_COMPLETED || phase == tlm::BEGIN_RESP;
  if (answered && said == tlm::TLM_UPDATED) {
    phase = tlm::END_RESP;
    (*sockets_[number])->nb_transport_fw(payload, phase, delay);
  }
  hear(number, payload, answered);
}

tlm::tlm_sync_enum DmaEngines::nb_transport_bw(int port, tlm::tlm_generic_payload& payload,
                                               tlm::tlm_phase& phase, sc_core::sc_time&) {
  const bool answered = phase == tlm::BEGIN_RESP;
  hear(static_cast<unsigned>(port), payload, answered);
  return answered ? tlm::TLM_COMPLETED : tlm::TLM_ACCEPTED;
}

/// The memory has taken a request, or answered it; then the request ends too, if it has not.
void DmaEngines::hear(unsigned port, tlm::tlm_generic_payload& payload, bool answered) {
  if (ports_[port].request == &payload) {
    ports_[port].request = nullptr;
    note(port, payload, false);
  }
  if (!answered) return;
  if (!payload.is_response_ok()) {
    throw CheckFailure("the memory answers: " + payload.get_response_string());
  }
  note(port, payload, true);
  payload.release();
}

/// Memories speak in any order within a cycle; they are heard by their number.
void DmaEngines::note(unsigned port, const tlm::tlm_generic_payload& payload, bool answer) {
  const Cycle present = clock_.now();
  auto behind = messages_.end();
  while (behind != messages_.begin() && std::prev(behind)->at == present &&
         std::prev(behind)->port > port) {
    --behind;
  }
  messages_.insert(behind, {present, payload.get_extension<Tag>()->descriptor, port, answer});
  wake_port(present + 1);
}

void DmaEngines::receive(Cycle now) {
  auto message = messages_.begin();
  for (; message != messages_.end() && message->at < now; ++message) {
    message->answer ? answer(message->descriptor, now) : end_request(message->port, now);
  }
  messages_.erase(messages_.begin(), message);
}

void DmaEngines::end_request(unsigned port, Cycle now) {
  ports_[port].request_from = now;
  const unsigned number = descriptors_[ports_[port].requesting].engine;
  Mover& engine = engines_[number];
  if (--engine.requests == 0 && engine.filled != 0) {
    wake_engine(number, std::max(engine.free_at, now + 1));
  }
  if (!ports_[port].requests.empty()) wake_port(now + 1);
}

void DmaEngines::answer(std::uint32_t number, Cycle now) {
  Descriptor& descriptor = descriptors_[number];
  if (--descriptor.answers != 0) return;
  free_descriptors_.push_back(number);
  Mover& engine = engines_[descriptor.engine];
  if (engine.outstanding-- == config_.outstanding && engine.filled != 0) {
    wake_engine(descriptor.engine, std::max(engine.free_at, now + 1));
  }
  Transfer& transfer = transfers_[descriptor.transfer];
  TransferTimes& times = transfer.finished.times;
  times.done = std::max({times.done, now, descriptor.engine_done});
  if (--transfer.open != 0) return;
  ++answered_;
  if (times.done > now) wake_port(times.done);
}

}  // namespace heddle
