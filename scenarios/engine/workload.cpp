#include "engine/workload.h"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <utility>

#include "engine/size_distribution.h"
#include "kernel/error.h"
#include "kernel/rng.h"

namespace heddle {

namespace {

/// Two gigabytes of messages: all-to-all among 8,192 hosts.
constexpr std::uint64_t most_closed_messages = std::uint64_t{1} << 26;

bool open_loop(Pattern pattern) {
  return pattern == Pattern::uniform || pattern == Pattern::bursty || pattern == Pattern::flows;
}

/// Uniform over all permutations without fixed points: shuffled until there is none, which takes
/// e = 2.7 attempts on average (and twice that for few hosts).
std::vector<HostId> derangement(std::uint64_t hosts, Rng& rng) {
  constexpr int most_attempts = 1000;
  std::vector<HostId> to(hosts);
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    std::iota(to.begin(), to.end(), HostId{0});
    for (auto i = static_cast<std::uint32_t>(hosts - 1); i > 0; --i) {
      std::swap(to[i], to[rng.below(i + 1)]);
    }
    std::uint64_t host = 0;
    while (host < hosts && to[host] != host) ++host;
    if (host == hosts) return to;
  }
  throw CheckFailure("1000 random permutations in a row have a fixed point");
}

std::string describe(MessageId id, HostId source, HostId destination) {
  return "message " + std::to_string(id) + " (" + std::to_string(source) + "->" +
         std::to_string(destination) + ")";
}

}  // namespace

Workload::Workload(const std::vector<WorkloadConfig>& configs, const HostNetwork& network,
                   std::uint64_t seed, const std::string& directory)
    : network_(network), seed_(seed), closed_(network.hosts) {
  if (!configs.empty() && network.hosts < 2)
    throw InputError("a workload needs at least two hosts");
  std::vector<GeneratorConfig> generators;
  for (std::size_t i = 0; i < configs.size(); ++i) {
    const WorkloadConfig& config = configs[i];
    if (open_loop(config.pattern)) {
      generators.push_back(generator_config(config, i));
      open_entries_.push_back(i);
    } else if (config.pattern == Pattern::incast) {
      add_incast(config);
    } else if (config.pattern == Pattern::permutation) {
      add_permutation(config, "workload" + std::to_string(i));
    } else if (config.pattern == Pattern::all_to_all) {
      add_all_to_all(config);
    } else {
      add_file(config, directory);
    }
    closed_ends_.push_back(closed_messages_);
  }
  build_sources(generators);
}

void Workload::check_room(std::uint64_t messages) const {
  if (messages > most_closed_messages - closed_messages_) {
    throw InputError("the workload has " + std::to_string(closed_messages_ + messages) +
                     " messages known from the start, but may have at most " +
                     std::to_string(most_closed_messages));
  }
}

Message Workload::next_closed(const WorkloadConfig& config, HostId source, HostId destination,
                              std::uint64_t bytes) {
  Message message;
  message.id = static_cast<MessageId>(closed_messages_++);
  message.source = source;
  message.destination = destination;
  message.traffic_class = static_cast<std::uint8_t>(config.traffic_class);
  message.bytes = bytes;
  message.due = cycles(config.start.picoseconds);
  return message;
}

/// See IdSpace.
std::optional<std::size_t> Workload::entry_of(MessageId message) const {
  if (message < closed_messages_) {
    const auto end = std::upper_bound(closed_ends_.begin(), closed_ends_.end(), message);
    return static_cast<std::size_t>(end - closed_ends_.begin());
  }
  const std::size_t streams = open_entries_.size() + (network_.doorbells ? 1 : 0);
  const std::size_t stream = (message - closed_messages_) / network_.hosts % streams;
  if (stream == open_entries_.size()) return std::nullopt;
  return open_entries_[stream];
}

void Workload::add_closed(const WorkloadConfig& config, std::uint64_t source,
                          std::uint64_t destination) {
  closed_[source].push_back(next_closed(config, static_cast<HostId>(source),
                                        static_cast<HostId>(destination), config.message.value));
}

void Workload::add_incast(const WorkloadConfig& config) {
  const std::uint64_t hosts = network_.hosts;
  const std::uint64_t receivers = config.receivers;
  const std::uint64_t senders = config.senders * receivers;
  if (senders + receivers > hosts) {
    throw InputError("incast of " + std::to_string(config.senders) + " senders to each of " +
                     std::to_string(receivers) + " receivers needs " +
                     std::to_string(senders + receivers) + " hosts, but the fabric has " +
                     std::to_string(hosts));
  }
  check_room(senders);
  std::vector<std::uint64_t> others;
  for (std::uint64_t host = 0, r = 0; host < hosts; ++host) {
    if (r < receivers && host == r * hosts / receivers) {
      ++r;
    } else {
      others.push_back(host);
    }
  }
  for (std::uint64_t r = 0; r < receivers; ++r) {
    for (std::uint64_t turn = 0; turn < config.senders; ++turn) {
      const std::uint64_t place = (turn * receivers + r) * others.size() / senders;
      add_closed(config, others[place], r * hosts / receivers);
    }
  }
}

void Workload::add_permutation(const WorkloadConfig& config, const std::string& name) {
  const std::uint64_t hosts = network_.hosts;
  check_room(hosts);
  if (config.permutation == PermutationKind::shift) {
    if (config.shift % hosts == 0) {
      throw InputError("permutation with shift " + std::to_string(config.shift) +
                       " lets each of the " + std::to_string(hosts) + " hosts send to itself");
    }
    for (std::uint64_t i = 0; i < hosts; ++i) add_closed(config, i, (i + config.shift) % hosts);
    return;
  }
  Rng rng(seed_, name, "permutation");
  const std::vector<HostId> to = derangement(hosts, rng);
  for (std::uint64_t i = 0; i < hosts; ++i) add_closed(config, i, to[i]);
}

void Workload::add_all_to_all(const WorkloadConfig& config) {
  const std::uint64_t hosts = network_.hosts;
  check_room(hosts * (hosts - 1));
  for (std::uint64_t i = 0; i < hosts; ++i) {
    for (std::uint64_t step = 1; step < hosts; ++step) {
      add_closed(config, i, (i + step) % hosts);
    }
  }
}

void Workload::add_file(const WorkloadConfig& config, const std::string& directory) {
  const std::string path = (std::filesystem::path(directory) / config.file).string();
  const ConnectionMatrix matrix = read_connection_matrix(path);
  if (matrix.nodes > network_.hosts) {
    throw InputError(path + ":" + std::to_string(matrix.nodes_line) + ": the file has " +
                     std::to_string(matrix.nodes) + " nodes, but the fabric has only " +
                     std::to_string(network_.hosts) + " hosts");
  }
  check_room(matrix.connections.size());
  const auto first = static_cast<std::uint32_t>(triggers_.size());
  for (const ConnectionMatrix::Trigger& trigger : matrix.triggers) {
    triggers_.push_back({trigger.id, trigger.kind == TriggerKind::multishot, trigger.count, {}, 0});
  }
  for (const ConnectionMatrix::Connection& connection : matrix.connections) {
    Message message =
        next_closed(config, connection.source, connection.destination, connection.bytes);
    if (connection.trigger == ConnectionMatrix::no_trigger) {
      message.due = cycles(config.start.picoseconds + connection.start.picoseconds);
      closed_[message.source].push_back(message);
    } else {
      triggers_[first + connection.trigger].waiting.push_back(message);
    }
    if (connection.send_done_trigger != ConnectionMatrix::no_trigger) {
      add_firing(send_firings_, message, first + connection.send_done_trigger, false);
    }
    if (connection.recv_done_trigger != ConnectionMatrix::no_trigger) {
      add_firing(recv_firings_, message, first + connection.recv_done_trigger, true);
    }
  }
}

void Workload::add_firing(std::vector<std::uint32_t>& firings, const Message& message,
                          std::uint32_t trigger, bool on_receive) {
  firings.resize(message.id + std::size_t{1}, no_firing);
  firings[message.id] = static_cast<std::uint32_t>(firings_.size());
  firings_.push_back({message.id, message.source, message.destination, trigger, on_receive, false});
}

GeneratorConfig Workload::generator_config(const WorkloadConfig& config,
                                           std::size_t position) const {
  GeneratorConfig generator;
  generator.load = config.load;
  generator.bytes = config.message.value;
  generator.mean_wire_bytes = static_cast<double>(network_.link.wire_bytes(config.message.value));
  generator.start = cycles(config.start.picoseconds);
  generator.stop = cycles(config.start.picoseconds + config.duration.picoseconds);
  generator.traffic_class = static_cast<std::uint8_t>(config.traffic_class);
  generator.workload = static_cast<std::uint32_t>(position);
  if (config.pattern == Pattern::flows) {
    generator.sizes = &size_table(config.sizes);
    generator.mean_wire_bytes = mean_wire_bytes(*generator.sizes, network_.link);
  } else if (config.pattern == Pattern::bursty) {
    generator.process = ArrivalProcess::bursty;
    generator.burst = static_cast<double>(config.burst);
  } else if (config.arrivals == Arrivals::bernoulli) {
    generator.process = ArrivalProcess::bernoulli;
  }
  return generator;
}

/// Refuses at once what would very likely run out of message ids in the middle of the run.
void Workload::check_id_space(const GeneratorConfig& generator, const IdSpace& ids) const {
  const double bytes_per_cycle = static_cast<double>(network_.link.rate_bytes) /
                                 static_cast<double>(network_.link.rate_cycles);
  const double expected = static_cast<double>(generator.stop - generator.start) * bytes_per_cycle *
                          generator.load / generator.mean_wire_bytes;
  const double numbers =
      (0x1p32 - static_cast<double>(ids.first)) / static_cast<double>(ids.generators * ids.hosts);
  if (expected > numbers) {
    throw InputError("the open-loop workload would send about " +
                     std::to_string(static_cast<std::uint64_t>(expected)) +
                     " messages per host, but there are numbers for " +
                     std::to_string(static_cast<std::uint64_t>(numbers)) +
                     "; shorten its duration or make its messages larger");
  }
}

void Workload::build_sources(const std::vector<GeneratorConfig>& generators) {
  const std::uint64_t streams_per_host = generators.size() + (network_.doorbells ? 1 : 0);
  const IdSpace ids{static_cast<MessageId>(closed_messages_), streams_per_host, network_.hosts};
  for (const GeneratorConfig& generator : generators) check_id_space(generator, ids);
  sources_.reserve(network_.hosts);
  for (std::uint64_t host = 0; host < network_.hosts; ++host) {
    std::vector<MessageGenerator> streams;
    streams.reserve(generators.size());
    for (std::size_t i = 0; i < generators.size(); ++i) {
      streams.emplace_back(generators[i], network_.link, static_cast<HostId>(host), ids, i, seed_);
    }
    sources_.emplace_back(std::move(closed_[host]), std::move(streams));
    if (network_.doorbells) {
      sources_.back().keep_ids(ids.first + generators.size() * ids.hosts + host,
                               ids.generators * ids.hosts);
    }
  }
  closed_ = {};
}

void Workload::fire(const std::vector<std::uint32_t>& firings, const Message& message, Cycle now) {
  if (message.id >= firings.size() || firings[message.id] == no_firing) return;
  Firing& firing = firings_[firings[message.id]];
  Trigger& trigger = triggers_[firing.trigger];
  if (firing.done) {
    throw CheckFailure(describe(message.id, message.source, message.destination) +
                       " fires trigger " + std::to_string(trigger.id) + " for the second time");
  }
  firing.done = true;
  if (!trigger.one_by_one && --trigger.missing > 0) return;
  const std::size_t end = trigger.one_by_one
                              ? std::min(trigger.released + 1, trigger.waiting.size())
                              : trigger.waiting.size();
  while (trigger.released < end) release(trigger.waiting[trigger.released++], now);
}

void Workload::release(Message message, Cycle now) {
  message.due = now + 1;
  sources_[message.source].release(message);
  if (wake_) wake_(message.source, message.due);
}

std::vector<std::string> Workload::never_started() const {
  std::vector<std::vector<const Firing*>> missing(triggers_.size());
  for (const Firing& firing : firings_) {
    if (!firing.done) missing[firing.trigger].push_back(&firing);
  }
  std::vector<std::pair<MessageId, std::string>> found;
  for (std::size_t i = 0; i < triggers_.size(); ++i) {
    const Trigger& trigger = triggers_[i];
    if (trigger.released == trigger.waiting.size()) continue;
    const std::string why =
        " waits for trigger " + std::to_string(trigger.id) + ", fired when " + list(missing[i]);
    for (std::size_t w = trigger.released; w < trigger.waiting.size(); ++w) {
      const Message& message = trigger.waiting[w];
      found.emplace_back(message.id,
                         describe(message.id, message.source, message.destination) + why);
    }
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> lines;
  lines.reserve(found.size());
  for (auto& [id, line] : found) lines.push_back(std::move(line));
  return lines;
}

std::string Workload::list(const std::vector<const Firing*>& firings) {
  constexpr std::size_t most_names = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(firings.size(), most_names); ++i) {
    const Firing& firing = *firings[i];
    text += (i == 0 ? "" : ", ") + describe(firing.message, firing.source, firing.destination) +
            (firing.on_receive ? " is received" : " is sent");
  }
  if (firings.size() > most_names) {
    text += " and " + std::to_string(firings.size() - most_names) + " more";
  }
  return text;
}

}  // namespace heddle
