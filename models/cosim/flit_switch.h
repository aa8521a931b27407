// A switch of the user's own, in RTL, in the place of an adaptive switch. Its ports carry flits
// with valid and ready; this device translates between them and the frames of the fabric.
//
// Frames are stored and paused for as an adaptive switch does (its parameters hold), wait in front
// of the RTL input by input, pass through it as flits, and leave by the output queues of the
// adaptive switch, which the RTL may fill with up to `output_flits` flits per port. The first flit
// of a frame shows the frame's header and the output that the fabric's routing has chosen.
//
// Cycle behaviour: `edge` is called once per cycle in which anything is inside. A flit moves at an
// edge before which both valid and ready were set, so the RTL's valid and ready must be registers:
// what it shows depends on earlier cycles only. A frame's flits stay together on a port. A frame
// joins its output queue in the cycle of its last flit.
//
// Checked, always: every frame leaves once, whole, by the output that was chosen, and frames from
// one input to one output stay in order. docs/cosim.md is the guide.
#pragma once

#include <deque>
#include <unordered_map>
#include <vector>

#include "cosim/rtl_factory.h"

namespace heddle {

/// At an input of the RTL, before an edge.
struct FlitIn {
  bool valid = false;
  bool first = false;
  bool last = false;
  unsigned bytes = 0;            ///< of the frame in this flit
  unsigned output = 0;           ///< port by which the frame must leave
  const Frame* frame = nullptr;  ///< header
  std::uint32_t tag = 0;         ///< of the frame; 0 .. flit_tags - 1
  bool ready = false;            ///< set by edge(): the RTL was ready before the edge
};

/// At an output of the RTL, before the same edge.
struct FlitOut {
  bool ready = false;
  bool valid = false;  ///< set by edge(), like the rest
  bool last = false;
  std::uint32_t tag = 0;  ///< that of the frame at its input
};

class FlitSwitch : public AdaptiveSwitch {
 public:
  static constexpr std::uint32_t flit_tags = 1U << 16;  ///< frames inside the RTL at a time

  FlitSwitch(const SwitchArguments& arguments, unsigned flit_bytes, unsigned output_flits = 128);

  void waits(std::vector<std::string>& lines) const override;
  FrameBalance balance() const override;
  void verify(bool drained) const override;

 protected:
  /// One rising edge of the RTL's clock: drives the pins with what `in` and `out` say, and sets
  /// FlitIn::ready and FlitOut::valid, last and tag to what the pins showed before the edge.
  virtual void edge(std::vector<FlitIn>& in, std::vector<FlitOut>& out) = 0;

 private:
  /// A frame in front of the RTL or inside.
  struct Passing {
    Frame frame;
    unsigned input = 0;
    unsigned output = 0;
    unsigned flits = 0;
    unsigned left = 0;         ///< flits that have not come out
    std::uint64_t number = 0;  ///< among the frames of its input
  };

  void cycle() override;
  void receive_frames();
  void offer_flits();
  void take_flits();
  void take_flit(unsigned port, const FlitOut& flit);
  std::uint32_t free_tag();
  unsigned waiting_frames() const;
  unsigned rtl_reason() const { return 2 * ports(); }

  unsigned flit_bytes_;
  unsigned output_bytes_;
  std::vector<std::deque<Passing>> waiting_;           // by input: in front of the RTL
  std::vector<unsigned> offered_;                      // by input: flits of the first one
  std::vector<std::uint32_t> tag_of_first_;            // by input
  std::unordered_map<std::uint32_t, Passing> inside_;  // by tag
  std::vector<std::uint32_t> leaving_;                 // by output: tag of the frame under way
  std::vector<std::uint64_t> last_number_;             // by input and output: that left last
  std::uint64_t frames_ = 0;
  std::uint32_t next_tag_ = 0;
  std::vector<FlitIn> in_flits_;
  std::vector<FlitOut> out_flits_;
};

}  // namespace heddle
