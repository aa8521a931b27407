// A SystemC program of its own around a Heddle fabric: a TLM-2.0 initiator posts a message through
// the doorbell of host 0, polls for its completion, and reads counters. docs/registers.md explains.
#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <iostream>
#include <systemc>

#include "engine/loader.h"
#include "engine/simulation.h"

namespace {

constexpr const char* scenario = R"(
name: doorbell
workload: {pattern: permutation, message: 64 KiB}
fabric: {leaves: 2, spines: 2, hosts_per_leaf: 2}
)";

// Of docs/models/nic.md.
constexpr std::uint64_t destination = 0x300;
constexpr std::uint64_t bytes = 0x308;
constexpr std::uint64_t ring = 0x310;
constexpr std::uint64_t answer = 0x318;
constexpr std::uint64_t message = 0x31c;
constexpr std::uint64_t completion_status = 0x32c;
constexpr std::uint64_t completion_cycle = 0x338;
constexpr std::uint64_t packets_sent = 0x200;

class Driver : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<Driver> socket{"socket"};
  bool done = false;

  SC_HAS_PROCESS(Driver);
  explicit Driver(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {
    SC_THREAD(run);
  }

 private:
  void run() {
    wait(2500, sc_core::SC_PS);  // between two edges of the 1 GHz clock
    write<std::uint32_t>(destination, 3);
    write<std::uint64_t>(bytes, 1'000'000);
    write<std::uint32_t>(ring, 1);
    std::cout << "answer " << read<std::uint32_t>(answer) << ", message "
              << read<std::uint32_t>(message) << '\n';
    while (read<std::uint32_t>(completion_status) == 0) wait(1, sc_core::SC_US);
    std::cout << "status " << read<std::uint32_t>(completion_status) << " in cycle "
              << read<std::uint64_t>(completion_cycle) << ", " << read<std::uint64_t>(packets_sent)
              << " packets sent\n";
    done = true;
  }

  template <class Value>
  Value read(std::uint64_t address) {
    Value value = 0;
    access(tlm::TLM_READ_COMMAND, address, value);
    return value;
  }
  template <class Value>
  void write(std::uint64_t address, Value value) {
    access(tlm::TLM_WRITE_COMMAND, address, value);
  }
  template <class Value>
  void access(tlm::tlm_command command, std::uint64_t address, Value& value) {
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
  }
};

}  // namespace

int sc_main(int, char**) {
  heddle::RunOptions options;
  const heddle::Scenario loaded = heddle::load_text(scenario, "doorbell.cpp").front();
  Driver driver("driver");
  options.outside_busy = [&] { return !driver.done; };  // the run waits for the driver
  heddle::EmbeddedFabric fabric(loaded, options);
  driver.socket.bind(fabric.csr_socket("host0"));

  const heddle::RunOutcome outcome = fabric.run();
  std::cout << outcome.results["messages"]["count"] << " messages, four of them the scenario's\n";
  return static_cast<int>(outcome.status);
}
