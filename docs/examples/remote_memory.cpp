// A TLM-2.0 initiator outside a torus of chips that stores a word in the memory of every chip, from
// chip 0, and loads the words back from chip 5. docs/models/torus_endpoint.md explains.
#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <iostream>
#include <systemc>

#include "engine/loader.h"
#include "engine/torus_memory.h"

namespace {

constexpr const char* scenario = R"(
name: remote-memory
switch: torus
fabric: {topology: torus, x: 4, y: 4}
workload: {pattern: remote_read}
)";

class Driver : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<Driver> chip0{"chip0"};
  tlm_utils::simple_initiator_socket<Driver> chip5{"chip5"};

  SC_HAS_PROCESS(Driver);
  Driver(const sc_core::sc_module_name& name, std::uint64_t node_bytes, unsigned nodes)
      : sc_core::sc_module(name), node_bytes_(node_bytes), nodes_(nodes) {
    SC_THREAD(run);
  }

 private:
  void run() {
    for (std::uint64_t node = 0; node < nodes_; ++node) {
      access(chip0, tlm::TLM_WRITE_COMMAND, node * node_bytes_ + 0x1000, 100 + node);
    }
    std::uint64_t right = 0;
    for (std::uint64_t node = 0; node < nodes_; ++node) {
      const sc_core::sc_time begin = sc_core::sc_time_stamp();
      right += access(chip5, tlm::TLM_READ_COMMAND, node * node_bytes_ + 0x1000, 0) == 100 + node;
      if (node < 7)
        std::cout << "node " << node << ": " << sc_core::sc_time_stamp() - begin << '\n';
    }
    std::cout << right << " of " << nodes_ << " words are right\n";
    sc_core::sc_stop();
  }

  template <class Socket>
  std::uint64_t access(Socket& socket, tlm::tlm_command command, std::uint64_t address,
                       std::uint64_t value) {
    tlm::tlm_generic_payload payload;
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
    payload.set_data_length(sizeof value);
    payload.set_streaming_width(sizeof value);
    sc_core::sc_time delay;
    socket->b_transport(payload, delay);
    wait(delay);
    if (payload.is_response_error()) SC_REPORT_FATAL(name(), payload.get_response_string().c_str());
    return value;
  }

  std::uint64_t node_bytes_;
  unsigned nodes_;
};

}  // namespace

int sc_main(int, char**) {
  const heddle::Scenario loaded = heddle::load_text(scenario, "remote_memory.cpp").front();
  heddle::TorusMemory torus(loaded);
  Driver driver("driver", torus.node_bytes(), torus.nodes());
  driver.chip0.bind(torus.memory_map(0));
  driver.chip5.bind(torus.memory_map(5));
  torus.start();
  sc_core::sc_start();
  torus.verify();
  return 0;
}
