#include "parts/collective_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "kernel/error.h"

namespace heddle {

namespace {

/// As many collectives as may be finished here while one of them is not at a peer.
constexpr std::size_t remembered = 1024;

/// SplitMix64's output function: 64 well mixed bits.
std::uint64_t mixed(std::uint64_t value) {
  value = (value + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

/// What a rank brings, a line in the rank for every word: the sum over ranks is known, and tells a
/// rank that is missing or counted twice.
std::uint64_t word_of(std::uint32_t tag, std::uint64_t rank, std::uint64_t index) {
  return mixed(index) * (rank + 1) + mixed(index ^ std::uint64_t{tag} << 32);
}
std::uint64_t sum_of(std::uint32_t tag, std::uint64_t ranks, std::uint64_t index) {
  return mixed(index) * (ranks * (ranks + 1) / 2) + ranks * mixed(index ^ std::uint64_t{tag} << 32);
}

}  // namespace

std::uint64_t collective_part_words(const CollectiveSchedule& schedule, std::uint64_t bytes) {
  const std::uint64_t parts = std::uint64_t{schedule.ranks()} * schedule.lanes;
  const std::uint64_t unit = parts * collective_word_bytes;
  return std::max<std::uint64_t>((bytes + unit - 1) / unit, 1);
}

// --- begin --------------------------------------------------------------------------------------

void CollectiveEngine::begin(const CollectiveJob& job, Cycle now) {
  if (find(job.tag) != nullptr) {
    throw CheckFailure(fmt::format("a collective with the tag {} is under way", job.tag));
  }
  runs_.push_back(std::make_unique<Run>());
  Run& run = *runs_.back();
  run.job = job;
  run.began = now;
  run.part_words = collective_part_words(*job.schedule, job.bytes);
  fill(run);
  run.lanes.resize(job.schedule->lanes);
  for (unsigned lane = 0; lane < job.schedule->lanes; ++lane) prepare(run, lane);
  release_at(now + options_.send_latency, {0, job.tag, 0, 0, 0});
  if (run.outstanding == 0) results_.push_back({now + options_.reduce_latency, job.tag});
  for (std::size_t i = 0; i < early_.size();) {
    if (early_[i].message.tag != job.tag) {
      ++i;
      continue;
    }
    const Early early = std::move(early_[i]);
    early_.erase(early_.begin() + static_cast<std::ptrdiff_t>(i));
    apply(run, early.message, early.words.data(), now);
  }
}

void CollectiveEngine::fill(Run& run) const {
  const CollectiveSchedule& schedule = *run.job.schedule;
  const std::uint64_t block = run.part_words * schedule.lanes;
  const std::uint64_t all = block * schedule.ranks();
  run.data.assign(all, 0);
  std::uint64_t first = 0;
  std::uint64_t end = all;
  if (schedule.operation == CollectiveOperation::all_gather) {
    first = block * run.job.rank;
    end = first + block;
  }
  if (schedule.operation == CollectiveOperation::broadcast && run.job.rank != 0) end = 0;
  for (std::uint64_t i = first; i < end; ++i) run.data[i] = word_of(run.job.tag, run.job.rank, i);
  if (!schedule.has_output()) return;
  run.output.assign(all, 0);
  const std::uint64_t own = block * run.job.rank;
  std::copy_n(run.data.begin() + static_cast<std::ptrdiff_t>(own), block,
              run.output.begin() + static_cast<std::ptrdiff_t>(own));
}

void CollectiveEngine::prepare(Run& run, unsigned lane) {
  Lane& l = run.lanes[lane];
  const auto& steps = run.job.schedule->steps(run.job.rank, lane);
  l.received.assign(steps.size(), 0);
  l.available.assign(steps.size(), 0);
  l.in_order.assign(steps.size(), 0);
  l.answered.assign(steps.size(), false);
  std::uint32_t bits = 0;
  for (const CollectiveStep& step : steps) {
    l.first_bit.push_back(bits);
    if (step.receive_from != CollectiveStep::nobody) {
      const std::uint32_t packets = packets_of(run, step.received);
      run.outstanding += packets;
      bits += packets;
    }
    if (step.send_to != CollectiveStep::nobody) ++run.unanswered;
  }
  l.came.assign((bits + 63) / 64, 0);
  skip_silent_steps(run, lane);
}

// --- which words --------------------------------------------------------------------------------

std::uint32_t CollectiveEngine::packets_of(const Run& run, const BlockSet& set) const {
  const std::uint64_t words = set.blocks() * run.part_words;
  return static_cast<std::uint32_t>((words + options_.words_per_packet - 1) /
                                    options_.words_per_packet);
}

std::uint32_t CollectiveEngine::words_of(const Run& run, const BlockSet& set,
                                         std::uint32_t packet) const {
  const std::uint64_t words = set.blocks() * run.part_words;
  const std::uint64_t first = std::uint64_t{packet} * options_.words_per_packet;
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(options_.words_per_packet, words - first));
}

/// Calls f(place in the buffer, place in the packet, words) for the words of a packet.
template <class F>
void CollectiveEngine::for_each_stretch(const Run& run, unsigned lane, const BlockSet& set,
                                        std::uint32_t packet, F&& f) const {
  const CollectiveSchedule& schedule = *run.job.schedule;
  const std::uint32_t words = words_of(run, set, packet);
  std::uint64_t position = std::uint64_t{packet} * options_.words_per_packet;
  for (std::uint32_t done = 0; done < words;) {
    const auto block = static_cast<unsigned>(position / run.part_words);
    const std::uint64_t offset = position % run.part_words;
    const auto stretch =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(run.part_words - offset, words - done));
    const unsigned rank = schedule.grid.node({set.low[0] + block % set.length[0],
                                              set.low[1] + block / set.length[0] % set.length[1],
                                              set.low[2] + block / set.length[0] / set.length[1]});
    f((std::uint64_t{rank} * schedule.lanes + lane) * run.part_words + offset, done, stretch);
    done += stretch;
    position += stretch;
  }
}

// --- send ---------------------------------------------------------------------------------------

bool CollectiveEngine::may_send(const Run& run, unsigned lane) const {
  const Lane& l = run.lanes[lane];
  if (!run.open) return false;
  if (!l.again.empty()) return true;
  if (l.step == l.received.size()) return false;
  if (l.whole >= l.step) return true;
  const bool goes_on = options_.by_packets && step_of(run, lane, l.step).chained;
  return goes_on && l.whole + 1 >= l.step && l.available[l.step - 1] > l.packet;
}

/// In turn among the lanes of all collectives.
bool CollectiveEngine::has_piece() {
  unsigned lanes = 0;
  for (const auto& run : runs_) lanes += static_cast<unsigned>(run->lanes.size());
  for (unsigned i = 0; i < lanes; ++i) {
    unsigned lane = (turn_ + i) % lanes;
    std::size_t r = 0;
    while (lane >= runs_[r]->lanes.size()) {
      lane -= static_cast<unsigned>(runs_[r++]->lanes.size());
    }
    if (!may_send(*runs_[r], lane)) continue;
    turn_ = (turn_ + i) % lanes;
    choice_ = runs_[r].get();
    choice_lane_ = lane;
    return true;
  }
  return false;
}

std::uint32_t CollectiveEngine::piece_words() const {
  const Lane& l = choice_->lanes[choice_lane_];
  const unsigned step = l.again.empty() ? l.step : l.again.front().step;
  const std::uint32_t packet = l.again.empty() ? l.packet : l.again.front().first;
  return words_of(*choice_, step_of(*choice_, choice_lane_, step).sent, packet);
}

CollectiveEngine::Outgoing CollectiveEngine::send_piece(std::uint64_t* words, Cycle now) {
  Run& run = *choice_;
  Lane& l = run.lanes[choice_lane_];
  const bool again = !l.again.empty();
  const auto step_number = static_cast<std::uint16_t>(again ? l.again.front().step : l.step);
  const std::uint32_t packet = again ? l.again.front().first : l.packet;
  const CollectiveStep& step = step_of(run, choice_lane_, step_number);
  for_each_stretch(run, choice_lane_, step.sent, packet,
                   [&](std::uint64_t from, std::uint32_t to, std::uint32_t n) {
                     std::copy_n(&run.data[from], n, words + to);
                   });
  const CollectiveMessage message{CollectiveMessage::Kind::piece,
                                  static_cast<std::uint8_t>(choice_lane_),
                                  step_number,
                                  run.job.tag,
                                  packet,
                                  words_of(run, step.sent, packet)};
  bool last = false;
  if (again) {
    Range& range = l.again.front();
    ++range.first;
    last = --range.count == 0;
    if (last) l.again.pop_front();
    ++counts_.repeated;
  } else if (++l.packet == packets_of(run, step.sent)) {
    last = true;
    l.packet = 0;
    ++l.step;
    skip_silent_steps(run, choice_lane_);
  }
  if (last) {
    timers_.push_back({now + options_.time_out, run.job.tag, step_number,
                       static_cast<std::uint8_t>(choice_lane_)});
  }
  ++counts_.pieces_sent;
  ++turn_;
  return {run.job.schedule->nodes[step.send_to], message};
}

/// Steps without anything to send or to receive are over at once.
void CollectiveEngine::skip_silent_steps(Run& run, unsigned lane) {
  Lane& l = run.lanes[lane];
  const auto& steps = run.job.schedule->steps(run.job.rank, lane);
  const auto is_whole = [&](std::uint32_t k) {
    return steps[k].receive_from == CollectiveStep::nobody ||
           l.available[k] == packets_of(run, steps[k].received);
  };
  while (l.step < steps.size() && steps[l.step].send_to == CollectiveStep::nobody) ++l.step;
  while (l.whole < steps.size() && is_whole(l.whole)) ++l.whole;
}

// --- receive ------------------------------------------------------------------------------------

void CollectiveEngine::receive(unsigned from_node, const CollectiveMessage& message,
                               const std::uint64_t* words, Cycle now) {
  using Kind = CollectiveMessage::Kind;
  switch (message.kind) {
    case Kind::piece:
      return take_piece(from_node, message, words, now);
    case Kind::probe:
      return answer_probe(from_node, message);
    case Kind::got:
      return take_got(message);
    case Kind::missing:
      if (Run* run = find(message.tag); run != nullptr) {
        run->lanes[message.lane].again.push_back({message.step, message.first, message.count});
      }
  }
}

void CollectiveEngine::take_piece(unsigned from_node, const CollectiveMessage& message,
                                  const std::uint64_t* words, Cycle now) {
  if (Run* run = find(message.tag); run != nullptr) return apply(*run, message, words, now);
  if (std::find(finished_.begin(), finished_.end(), message.tag) != finished_.end()) {
    ++counts_.duplicates;
    return;
  }
  ++counts_.early;
  early_.push_back({from_node, message, {words, words + message.count}});
}

void CollectiveEngine::apply(Run& run, const CollectiveMessage& message, const std::uint64_t* words,
                             Cycle now) {
  Lane& l = run.lanes[message.lane];
  const CollectiveStep& step = step_of(run, message.lane, message.step);
  const auto came = [&](std::uint32_t packet) {
    const std::uint32_t bit = l.first_bit[message.step] + packet;
    return (l.came[bit / 64] >> (bit % 64) & 1) != 0;
  };
  if (came(message.first)) {
    ++counts_.duplicates;
    return;
  }
  const std::uint32_t bit = l.first_bit[message.step] + message.first;
  l.came[bit / 64] |= std::uint64_t{1} << (bit % 64);
  std::vector<std::uint64_t>& into = run.job.schedule->has_output() ? run.output : run.data;
  for_each_stretch(run, message.lane, step.received, message.first,
                   [&](std::uint64_t to, std::uint32_t from, std::uint32_t n) {
                     if (!step.reduce) {
                       std::copy_n(words + from, n, &into[to]);
                       return;
                     }
                     for (std::uint32_t i = 0; i < n; ++i) into[to + i] += words[from + i];
                   });
  ++counts_.pieces_received;
  counts_.words_received += message.count;
  const std::uint32_t packets = packets_of(run, step.received);
  const bool whole = ++l.received[message.step] == packets;
  std::uint32_t& in_order = l.in_order[message.step];
  const std::uint32_t before = in_order;
  while (in_order < packets && came(in_order)) ++in_order;
  if (whole || (options_.by_packets && in_order != before)) {
    release_at(now + options_.reduce_latency + options_.send_latency,
               {0, run.job.tag, in_order, message.step, message.lane});
  }
  if (whole) {
    control_.push_back({run.job.schedule->nodes[step.receive_from],
                        {CollectiveMessage::Kind::got, message.lane, message.step, run.job.tag}});
  }
  if (--run.outstanding == 0) results_.push_back({now + options_.reduce_latency, run.job.tag});
}

void CollectiveEngine::answer_probe(unsigned from_node, const CollectiveMessage& message) {
  using Kind = CollectiveMessage::Kind;
  const CollectiveMessage got{Kind::got, message.lane, message.step, message.tag};
  Run* run = find(message.tag);
  if (run == nullptr) {
    const bool over = std::find(finished_.begin(), finished_.end(), message.tag) != finished_.end();
    if (over) control_.push_back({from_node, got});
    return;  // else it has not begun here: the sender will ask again
  }
  const Lane& l = run->lanes[message.lane];
  const std::uint32_t packets =
      packets_of(*run, step_of(*run, message.lane, message.step).received);
  if (l.received[message.step] == packets) return control_.push_back({from_node, got});
  const auto came = [&](std::uint32_t packet) {
    const std::uint32_t bit = l.first_bit[message.step] + packet;
    return (l.came[bit / 64] >> (bit % 64) & 1) != 0;
  };
  for (std::uint32_t p = 0; p < packets;) {
    const std::uint32_t first = p;
    while (p < packets && !came(p)) ++p;
    if (p == first) {
      ++p;
      continue;
    }
    control_.push_back(
        {from_node, {Kind::missing, message.lane, message.step, message.tag, first, p - first}});
  }
}

void CollectiveEngine::take_got(const CollectiveMessage& message) {
  Run* run = find(message.tag);
  if (run == nullptr || run->lanes[message.lane].answered[message.step]) return;
  run->lanes[message.lane].answered[message.step] = true;
  --run->unanswered;
  forget_if_finished(*run);
}

// --- time ---------------------------------------------------------------------------------------

/// Nearly always the latest of all.
void CollectiveEngine::release_at(Cycle at, Release release) {
  release.at = at;
  auto place = releases_.end();
  while (place != releases_.begin() && std::prev(place)->at > at) --place;
  releases_.insert(place, release);
}

void CollectiveEngine::release(Cycle now) {
  for (; !releases_.empty() && releases_.front().at <= now; releases_.pop_front()) {
    const Release& release = releases_.front();
    Run* run = find(release.tag);
    if (run == nullptr) continue;
    if (release.packets == 0) {
      run->open = true;
      continue;
    }
    std::uint32_t& available = run->lanes[release.lane].available[release.step];
    available = std::max(available, release.packets);
    skip_silent_steps(*run, release.lane);
  }
}

CollectiveEngine::Completion CollectiveEngine::conclude(std::uint32_t tag, Cycle at) {
  Run& run = *find(tag);
  check(run);
  run.result = true;
  ++counts_.completed;
  const Completion completion{tag, at - run.began};
  forget_if_finished(run);
  return completion;
}

/// After the receivers of steps that have been sent and not been answered.
void CollectiveEngine::ask(Cycle now) {
  while (!timers_.empty()) {
    const Timer timer = timers_.front();
    const Run* run = find(timer.tag);
    const bool over = run == nullptr || run->lanes[timer.lane].answered[timer.step];
    if (!over && timer.at > now) return;
    timers_.pop_front();
    if (over) continue;
    const CollectiveStep& step = step_of(*run, timer.lane, timer.step);
    control_.push_back({run->job.schedule->nodes[step.send_to],
                        {CollectiveMessage::Kind::probe, timer.lane, timer.step, timer.tag}});
    timers_.push_back({now + options_.time_out, timer.tag, timer.step, timer.lane});
    ++counts_.probes;
  }
}

Cycle CollectiveEngine::next_event() const {
  Cycle next = never;
  if (!releases_.empty()) next = std::min(next, releases_.front().at);
  if (!results_.empty()) next = std::min(next, results_.front().at);
  if (!timers_.empty()) next = std::min(next, timers_.front().at);
  return next;
}

// --- end ----------------------------------------------------------------------------------------

CollectiveEngine::Run* CollectiveEngine::find(std::uint32_t tag) {
  for (const auto& run : runs_) {
    if (run->job.tag == tag) return run.get();
  }
  return nullptr;
}

/// The result is here, and everybody has what was sent.
void CollectiveEngine::forget_if_finished(const Run& run) {
  if (!run.result || run.unanswered != 0) return;
  finished_.push_back(run.job.tag);
  if (finished_.size() > remembered) finished_.pop_front();
  const auto found = std::find_if(runs_.begin(), runs_.end(),
                                  [&](const auto& other) { return other.get() == &run; });
  runs_.erase(found);
}

void CollectiveEngine::check(const Run& run) const {
  const CollectiveSchedule& schedule = *run.job.schedule;
  const std::uint64_t block = run.part_words * schedule.lanes;
  const std::vector<std::uint64_t>& result = schedule.has_output() ? run.output : run.data;
  const auto expected = [&](std::uint64_t i) {
    switch (schedule.operation) {
      case CollectiveOperation::all_gather:
        return word_of(run.job.tag, i / block, i);
      case CollectiveOperation::all_to_all:
        return word_of(run.job.tag, i / block, run.job.rank * block + i % block);
      case CollectiveOperation::broadcast:
        return word_of(run.job.tag, 0, i);
      default:
        return sum_of(run.job.tag, schedule.ranks(), i);
    }
  };
  const bool own = schedule.operation == CollectiveOperation::reduce_scatter;
  const std::uint64_t first = own ? block * run.job.rank : 0;
  const std::uint64_t end = own ? first + block : result.size();
  for (std::uint64_t i = first; i < end; ++i) {
    if (result[i] == expected(i)) continue;
    throw CheckFailure(fmt::format("node {}, rank {}: word {} of the {} with tag {} is wrong",
                                   node_, run.job.rank, i, name_of(schedule.operation),
                                   run.job.tag));
  }
}

void CollectiveEngine::waits(const std::string& device, std::vector<std::string>& lines) const {
  for (const auto& run : runs_) {
    for (unsigned lane = 0; lane < run->lanes.size(); ++lane) {
      const Lane& l = run->lanes[lane];
      if (l.whole == l.received.size()) continue;
      const CollectiveStep& step = step_of(*run, lane, l.whole);
      lines.push_back(fmt::format(
          "{}: {} with tag {}, lane {}, waits in step {} of {} for node {}: {} of {} packets",
          device, name_of(run->job.schedule->operation), run->job.tag, lane, l.whole,
          l.received.size(), run->job.schedule->nodes[step.receive_from], l.received[l.whole],
          packets_of(*run, step.received)));
    }
  }
  for (const Early& early : early_) {
    lines.push_back(fmt::format("{}: data of node {} wait for the begin of the collective {}",
                                device, early.from_node, early.message.tag));
    break;
  }
}

}  // namespace heddle
