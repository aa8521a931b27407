#include "engine/size_distribution.h"

#include "kernel/error.h"

namespace heddle {

namespace {

// Both tables as the load generators of HPCC (Li et al., SIGCOMM 2019) use them: repository
// alibaba-edu/High-Precision-Congestion-Control, traffic_gen/{WebSearch,FbHdp}_distribution.txt.

/// Web search cluster: Alizadeh et al. (DCTCP), SIGCOMM 2010.
const SizeTable web_search{{0, 0},           {10'000, .15},    {20'000, .20},     {30'000, .30},
                           {50'000, .40},    {80'000, .53},    {200'000, .60},    {1'000'000, .70},
                           {2'000'000, .80}, {5'000'000, .90}, {10'000'000, .97}, {30'000'000, 1}};

/// Hadoop cluster: Roy et al., "Inside the social network's (datacenter) network", SIGCOMM 2015.
const SizeTable hadoop{{0, 0},         {100, .01},        {200, .02},       {300, .05},
                       {350, .15},     {400, .20},        {500, .30},       {600, .40},
                       {700, .50},     {1'000, .60},      {2'000, .67},     {7'000, .70},
                       {30'000, .72},  {50'000, .82},     {80'000, .87},    {120'000, .90},
                       {300'000, .95}, {1'000'000, .975}, {2'000'000, .99}, {10'000'000, 1}};

}  // namespace

const SizeTable& size_table(SizeDistribution name) {
  switch (name) {
    case SizeDistribution::web_search:
      return web_search;
    case SizeDistribution::hadoop:
      return hadoop;
  }
  throw CheckFailure("a size distribution without a table");
}

// The mean of ceil(X / unit) is the sum over k >= 0 of P(X > k * unit). Between two points of the
// table P falls linearly, so the k between them add up as an arithmetic series.
double mean_pieces(const SizeTable& table, std::uint64_t unit) {
  double mean = 0;
  for (std::size_t i = 1; i < table.size(); ++i) {
    const SizePoint& low = table[i - 1];
    const SizePoint& high = table[i];
    const std::uint64_t first = (low.bytes + unit - 1) / unit;
    const std::uint64_t end = (high.bytes + unit - 1) / unit;
    if (first == end) continue;
    const double slope =
        (high.probability - low.probability) / static_cast<double>(high.bytes - low.bytes);
    const auto above = [&](std::uint64_t k) {
      return 1 - low.probability - slope * static_cast<double>(k * unit - low.bytes);
    };
    mean += static_cast<double>(end - first) * (above(first) + above(end - 1)) / 2;
  }
  return mean;
}

double mean_wire_bytes(const SizeTable& table, const HostLink& link) {
  const auto overhead = static_cast<double>(link.header_bytes + link.framing_bytes);
  return mean_pieces(table, 1) + mean_pieces(table, link.mtu) * overhead;
}

}  // namespace heddle
