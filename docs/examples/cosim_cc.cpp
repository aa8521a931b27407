// A user's own RTL switch in a Heddle fabric, Verilated with --cc: docs/cosim.md explains.
#include <Vflit_crossbar.h>

#include "cosim/pins.h"
#include "cosim_example.h"

namespace {

class CrossbarSwitch : public heddle::FlitSwitch {
 public:
  explicit CrossbarSwitch(const heddle::SwitchArguments& arguments)
      : FlitSwitch(arguments, example::flit_bytes) {
    top_.rst_ni = 0;
    rising_edge();
    top_.rst_ni = 1;
  }

 private:
  void edge(std::vector<heddle::FlitIn>& in, std::vector<heddle::FlitOut>& out) override {
    namespace pins = heddle::pins;
    for (unsigned port = 0; port < example::ports; ++port) {
      // What the RTL shows before the edge ...
      in[port].ready = pins::get_bits(top_.in_ready_o, port, 1) != 0;
      out[port].valid = pins::get_bits(top_.out_valid_o, port, 1) != 0;
      out[port].last = pins::get_bits(top_.out_last_o, port, 1) != 0;
      out[port].tag = static_cast<std::uint32_t>(
          pins::get_bits(top_.out_data_o, port * example::flit_bits, 32));
      // ... and what it is shown.
      pins::set_bits(top_.in_valid_i, port, 1, in[port].valid ? 1 : 0);
      pins::set_bits(top_.in_last_i, port, 1, in[port].last ? 1 : 0);
      pins::set_bits(top_.in_dest_i, port * example::port_bits, example::port_bits,
                     in[port].output);
      pins::set_bits(top_.in_data_i, port * example::flit_bits, 32, in[port].tag);
      pins::set_bits(top_.out_ready_i, port, 1, out[port].ready ? 1 : 0);
    }
    rising_edge();
  }

  void rising_edge() {
    top_.clk_i = 1;
    top_.eval();
    top_.clk_i = 0;
    top_.eval();
  }

  Vflit_crossbar top_;
};

}  // namespace

int sc_main(int, char**) { return example::run<CrossbarSwitch>(); }
