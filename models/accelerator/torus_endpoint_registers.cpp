// The registers of a torus endpoint; docs/models/torus_endpoint.md lists them.
#include "accelerator/torus_endpoint.h"

namespace heddle {

void TorusEndpoint::describe(RegisterMap& map) {
  const auto key = [](const char* name) { return std::string("`endpoint.") + name + "`"; };
  RegisterBlock& config = map.block("config", config_registers,
                                    "What the scenario says, and what of it may be changed.");
  config.add("node", 0x00, 4, "Of the torus: x + X (y + Y z).", [this] { return place_.node; })
      .resets_to("");
  config.add("nodes", 0x04, 4, "Of the torus.", [this] { return place_.shape.nodes(); })
      .resets_to("`fabric`");
  config
      .add("memory_bytes", 0x08, 8, "Addresses of each node: node n begins at n times this.",
           [this] { return place_.memory_bytes; })
      .resets_to("`accelerator.memory`");
  config
      .add("latency_cycles", 0x10, 8, "Each time that something passes the endpoint.",
           [this] { return latency_; })
      .resets_to(key("latency"));
  config
      .add("outstanding", 0x18, 4, "Packets that may be without an answer.",
           [this] { return slots_.size(); })
      .resets_to(key("outstanding"));
  config
      .add("service", 0x1c, 4, "Requests of other nodes that may be without an answer.",
           [this] { return config_.service; })
      .resets_to(key("service"));
  config
      .add("buffer_flits", 0x20, 4, "Room of each virtual channel.",
           [this] { return buffer_flits(); })
      .resets_to("`torus.buffer`");

  RegisterBlock& counters = map.block("counters", counter_registers, "Since the start of the run.");
  using Counts = TorusEndpointCounts;
  const auto count = [&](const char* name, std::uint64_t offset, const char* text,
                         std::uint64_t Counts::*which) {
    counters.add(name, offset, 8, text, [this, which] { return counts_.*which; });
  };
  count("reads", 0x00, "Read transactions of the chip's initiators.", &Counts::reads);
  count("writes", 0x08, "Write transactions of the chip's initiators.", &Counts::writes);
  count("own", 0x10, "Those of them that were for the own node.", &Counts::own);
  count("errors", 0x18, "Transactions answered with an error.", &Counts::errors);
  count("requests", 0x20, "Packets sent that ask another node, repeated ones included.",
        &Counts::requests);
  count("repeated", 0x28, "Requests that had no answer for too long.", &Counts::repeated);
  count("duplicates", 0x30, "Requests and answers that had come before.", &Counts::duplicates);
  count("served", 0x38, "Requests of other nodes that were passed to the memory.", &Counts::served);
  count("bytes_read", 0x40, "From other nodes.", &Counts::bytes_read);
  count("bytes_written", 0x48, "To other nodes.", &Counts::bytes_written);
  using Pieces = CollectiveCounts;
  const auto pieces = [&](const char* name, std::uint64_t offset, const char* text,
                          std::uint64_t Pieces::*which) {
    counters.add(name, offset, 8, text, [this, which] { return engine_.counts().*which; });
  };
  pieces("pieces_sent", 0x50, "Packets with data of collectives that were sent.",
         &Pieces::pieces_sent);
  pieces("pieces_received", 0x58, "Such packets that came, each once.", &Pieces::pieces_received);
  pieces("pieces_repeated", 0x60, "Those that were sent again, because somebody missed them.",
         &Pieces::repeated);
  pieces("pieces_early", 0x68, "Those that came before their collective had begun here.",
         &Pieces::early);
  pieces("collectives", 0x70, "Collectives whose result has come and was checked.",
         &Pieces::completed);
  counters.add("window", 0x78, 4, "Packets without an answer now.",
               [this] { return slots_.size() - free_slots_.size(); });
  counters.add("in_service", 0x7c, 4, "Requests of other nodes without an answer now.",
               [this] { return in_service_; });
}

}  // namespace heddle
