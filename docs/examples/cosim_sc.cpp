// The same with --sc: the Verilated module is a SystemC module beside the fabric, and its ports are
// bound to signals. docs/cosim.md explains.
#include <Vflit_crossbar_sc.h>

#include <systemc>

#include "cosim_example.h"

namespace {

/// Drives the clock of the RTL high with each edge() and low half a period later.
class CrossbarSwitch : public heddle::FlitSwitch {
 public:
  SC_HAS_PROCESS(CrossbarSwitch);
  explicit CrossbarSwitch(const heddle::SwitchArguments& arguments)
      : FlitSwitch(arguments, example::flit_bytes) {
    top_.clk_i(clock_);
    top_.rst_ni(reset_n_);
    top_.in_valid_i(in_valid_);
    top_.in_ready_o(in_ready_);
    top_.in_last_i(in_last_);
    top_.in_dest_i(in_dest_);
    top_.in_data_i(in_data_);
    top_.out_valid_o(out_valid_);
    top_.out_ready_i(out_ready_);
    top_.out_last_o(out_last_);
    top_.out_data_o(out_data_);
    SC_METHOD(lower_clock);
    sensitive << falling_;
    dont_initialize();
    wake(0, 1);  // an edge in reset before any frame
  }

 private:
  void edge(std::vector<heddle::FlitIn>& in, std::vector<heddle::FlitOut>& out) override {
    const std::uint32_t in_ready = in_ready_.read();
    const std::uint32_t out_valid = out_valid_.read();
    const std::uint32_t out_last = out_last_.read();
    const auto& out_data = out_data_.read();
    std::uint32_t in_valid = 0;
    std::uint32_t in_last = 0;
    std::uint32_t in_dest = 0;
    std::uint32_t out_ready = 0;
    for (unsigned port = 0; port < example::ports; ++port) {
      // What the RTL shows before the edge ...
      in[port].ready = was_reset_ && (in_ready >> port & 1) != 0;
      out[port].valid = was_reset_ && (out_valid >> port & 1) != 0;
      out[port].last = (out_last >> port & 1) != 0;
      const int first = static_cast<int>(port * example::flit_bits);
      out[port].tag = out_data.range(first + 31, first).to_uint();
      // ... and what it is shown.
      in_valid |= (in[port].valid && was_reset_ ? 1U : 0U) << port;
      in_last |= (in[port].last ? 1U : 0U) << port;
      in_dest |= in[port].output << port * example::port_bits;
      data_.range(first + 31, first) = in[port].tag;
      out_ready |= (out[port].ready ? 1U : 0U) << port;
    }
    in_valid_.write(in_valid);
    in_last_.write(in_last);
    in_dest_.write(in_dest);
    in_data_.write(data_);
    out_ready_.write(out_ready);
    reset_n_.write(was_reset_);
    clock_.write(true);
    was_reset_ = true;
    falling_.notify(0.5, sc_core::SC_NS);
  }

  void lower_clock() { clock_.write(false); }

  using Wide = sc_dt::sc_bv<static_cast<int>(example::ports* example::flit_bits)>;
  Vflit_crossbar_sc top_{"crossbar"};
  sc_core::sc_signal<bool, sc_core::SC_MANY_WRITERS> clock_;  // edge() and lower_clock()
  sc_core::sc_signal<bool> reset_n_;
  sc_core::sc_signal<std::uint32_t> in_valid_, in_ready_, in_last_, in_dest_;
  sc_core::sc_signal<std::uint32_t> out_valid_, out_ready_, out_last_;
  sc_core::sc_signal<Wide> in_data_, out_data_;
  Wide data_;
  sc_core::sc_event falling_;
  bool was_reset_ = false;
};

}  // namespace

int sc_main(int, char**) { return example::run<CrossbarSwitch>(); }
