// What the twins share: the frame, and rules without state. Twin of models/kernel/frame.h,
// models/parts/lfsr.h, PathSelector::flow_hash and models/parts/ecn.h.
package heddle_pkg;

  // Kinds of frames: FrameKind.
  localparam logic [7:0] KindPacket       = 8'd0;
  localparam logic [7:0] KindAck          = 8'd1;
  localparam logic [7:0] KindNak          = 8'd2;
  localparam logic [7:0] KindCnp          = 8'd3;
  localparam logic [7:0] KindCell         = 8'd4;
  localparam logic [7:0] KindVoqStatus    = 8'd5;
  localparam logic [7:0] KindCredit       = 8'd6;
  localparam logic [7:0] KindReachability = 8'd7;
  localparam logic [7:0] KindPause        = 8'd8;
  localparam logic [7:0] KindFlowControl  = 8'd9;

  // Bits of flags: frame_flag.
  localparam int unsigned FlagCongestion = 0;
  localparam int unsigned FlagLast       = 1;
  localparam int unsigned FlagTrimmed    = 2;
  localparam int unsigned FlagOff        = 3;
  localparam int unsigned FlagAgain      = 4;

  localparam logic [15:0] EthernetFramingBytes = 16'd20;
  localparam logic [31:0] NoPacket = 32'hffff_ffff;

  // The header of a frame, 24 bytes. Its first byte in memory is its lowest here.
  typedef struct packed {
    logic [31:0] packet;         // tag that travels with the last byte of a packet
    logic [31:0] sequence_number;
    logic [31:0] flow;
    logic [15:0] destination;
    logic [15:0] source;
    logic [15:0] payload_bytes;
    logic [15:0] wire_bytes;     // bytes of link time, preamble and gap included
    logic [7:0]  reserved;
    logic [7:0]  flags;
    logic [7:0]  traffic_class;
    logic [7:0]  kind;
  } frame_t;

  // One step of the shift register: three exclusive-ors with itself.
  function automatic logic [63:0] lfsr_next(input logic [63:0] state);
    logic [63:0] s;
    s = state ^ (state << 13);
    s = s ^ (s >> 7);
    lfsr_next = s ^ (s << 17);
  endfunction

  // A number in [0, bound) from a state that has just been reached.
  function automatic logic [31:0] below(input logic [63:0] state, input logic [31:0] bound);
    logic [63:0] product;
    product = {32'd0, state[63:32]} * {32'd0, bound};
    below = product[63:32];
  endfunction

  // Hash of what a five-tuple holds.
  function automatic logic [63:0] flow_hash(input logic [63:0] salt, input logic [15:0] source,
                                            input logic [15:0] destination,
                                            input logic [31:0] flow);
    logic [63:0] key;
    key = ({source, destination, flow} ^ salt) * 64'hbf58476d1ce4e5b9;
    key = (key ^ (key >> 31)) * 64'h94d049bb133111eb;
    flow_hash = key ^ (key >> 29);
  endfunction

  // Whether a packet that meets so many bytes in its queue is marked.
  function automatic logic mark(input logic [63:0] kmin_bytes, input logic [63:0] kmax_bytes,
                                input logic [63:0] slope, input logic [63:0] queue_bytes,
                                input logic [63:0] random);
    logic [127:0] threshold;
    threshold = {64'd0, queue_bytes - kmin_bytes} * {64'd0, slope};
    mark = queue_bytes > kmin_bytes &&
           (queue_bytes > kmax_bytes || {72'd0, random[63:8]} < threshold);
  endfunction

  function automatic logic link_local(input logic [7:0] kind);
    link_local = kind >= KindPause;
  endfunction

  // What a switch stores of a frame that came over Ethernet.
  function automatic logic [31:0] stored_bytes(input logic [15:0] wire_bytes);
    stored_bytes = {16'd0, wire_bytes - EthernetFramingBytes};
  endfunction

  // Stops or restarts one class of the link's other end: a frame_t (the functions of yosys 0.23
  // return none).
  function automatic logic [191:0] pause_frame(input logic [7:0] traffic_class, input logic off);
    pause_frame = {NoPacket, 32'd0, 32'd0, 16'd0, 16'd0, 16'd0, 16'd64 + EthernetFramingBytes,
                   8'd0, 4'd0, off, 3'd0, traffic_class, KindPause};
  endfunction

endpackage
