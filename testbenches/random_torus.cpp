#include "random_torus.h"

#include <fmt/format.h>

#include <array>

#include "kernel/rng.h"

namespace heddle::testing {

namespace {

template <class Array>
auto any_of(Rng& random, const Array& values) {
  return values[random.below(static_cast<std::uint32_t>(values.size()))];
}

}  // namespace

RandomTorus random_torus(std::uint64_t seed, unsigned most_nodes, unsigned node_ns) {
  Rng random(seed, "torus", "swarm");
  const auto one_in = [&](unsigned n) { return random.below(n) == 0; };
  const std::array<unsigned, 12> sizes{1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 8, 17};
  std::array<unsigned, 3> size{};
  do {
    for (unsigned& n : size) n = any_of(random, sizes);
  } while (size[0] * size[1] * size[2] > most_nodes);
  const unsigned nodes = size[0] * size[1] * size[2];
  const std::array<const char*, 6> rates{"100 Gbps", "256 Gbps", "400 Gbps",
                                         "533 Gbps", "700 Gbps", "1024 Gbps"};
  const std::array<unsigned, 5> latencies{1, 2, 10, 50, 300};
  const auto link = [&] {
    const char* rate = any_of(random, rates);
    return fmt::format("{{rate: {}, latency: {} ns}}", rate, any_of(random, latencies));
  };
  std::string links;
  for (unsigned d = 0; d < 3; ++d) {
    if (size[d] > 1) links += fmt::format("{}_link: {}, ", "xyz"[d], link());
  }
  const unsigned flit = any_of(random, std::array<unsigned, 4>{16, 32, 33, 64});
  const unsigned payload = any_of(random, std::array<unsigned, 4>{256, 300, 512, 2048});
  const unsigned header = any_of(random, std::array<unsigned, 3>{0, 16, 20});
  const unsigned packet = (payload + header + flit - 1) / flit * flit;
  // One draw per statement: the order of arguments is the compiler's.
  const double load = any_of(random, std::array<double, 5>{0.05, 0.3, 0.6, 0.9, 1});
  const unsigned message = 1 + random.below(3 * payload);
  const bool to_itself = one_in(3) || nodes == 1;
  const std::string local = link();
  const char* reading = one_in(2) ? "one_way" : "both_ways";
  const char* clock = one_in(2) ? "1 GHz" : "2.4 GHz";
  const unsigned lanes = any_of(random, std::array<unsigned, 4>{1, 2, 3, 8});
  const unsigned buffered = random.below(6);  // packets; 0: what the link needs
  const std::string buffer = buffered == 0 ? "auto" : fmt::format("{} B", packet * buffered);
  const double speedup = any_of(random, std::array<double, 3>{1, 1.5, 2});
  const unsigned latency = random.below(40);
  const unsigned detection = random.below(3000);
  RandomTorus drawn;
  drawn.yaml = fmt::format(
      "seed: {}\nswitch: torus\n"
      "workload: {{pattern: uniform, load: {}, message: {} B, duration: {} ns, to_itself: {}}}\n"
      "fabric: {{topology: torus, x: {}, y: {}, z: {}, {}local_link: {}, link_rates: {}, "
      "clock: {}}}\n"
      "torus: {{flit: {} B, header: {} B, payload: {} B, lanes: {}, buffer: {}, read_speedup: {}, "
      "router_latency: {} ns, detection_delay: {} ns}}\n",
      seed, load, message, node_ns / nodes, to_itself, size[0], size[1], size[2], links, local,
      reading, clock, flit, header, payload, lanes, buffer, speedup, latency, detection);
  drawn.fails = nodes > 1 && one_in(2);
  if (!drawn.fails) return drawn;
  std::string events;
  const std::array<const char*, 3> actions{"fail", "flap, down: 400 ns, period: 1 us, times: 3",
                                           "degrade, rate: 50 Gbps"};
  for (unsigned i = 0; i < 2; ++i) {
    unsigned d = random.below(3);
    while (size[d] == 1) d = (d + 1) % 3;
    const unsigned at = random.below(node_ns / nodes);
    const char* action = any_of(random, actions);
    const unsigned node = random.below(nodes);
    events += fmt::format("  - {{at: {} ns, action: {}, link: 'router{}.{}{}-*'}}\n", at, action,
                          node, "xyz"[d], i == 0 ? 'p' : 'm');
  }
  drawn.yaml += "events:\n" + events;
  return drawn;
}

}  // namespace heddle::testing
