// Twin of models/accelerator/torus_router.h.
//
// A router of a torus: two ports for each ring of more than one node (x up, x down, y up, ...), then
// the port of its node. Dimension order, each ring the shorter way round, or the other one where
// cables are known to be broken; channels behind a ring's dateline are other ones than before it.
// Each channel of an input has a buffer of its own. A packet starts when it is the first there, its
// output is free, its input is not reading another one, and the next buffer has room for all of it:
// virtual cut-through. Its room is given back in the cycle in which its last byte has left.
//
// A cycle: room in the buffers behind the outputs; packets to their buffers, first ones routed; room
// of what has left; each input picks one of its channels in turn, each output one of the inputs;
// room given back, one channel of each input in a cycle. Output pins are registers and belong to the
// cycle of the edge. What stands in front of the inputs waits out the router's latency, from the
// head or from the tail. Whoever sends here must have room for all of a packet.
//
// more_i: this edge is not the last one of its cycle. It takes what is on the pins, and no time
// passes: for two packets that come to one port in one cycle, and for what happens between two
// cycles (events, but not rates).
module torus_router #(
    parameter int unsigned Ports = 7,     // 3 to 7: as many as the largest torus needs
    parameter int unsigned Channels = 8,  // 4 to 32: of a link, four for each lane
    parameter int unsigned Packets = 16,  // that the buffer of a channel can hold, at least 2
    localparam int unsigned Queues = Ports * Channels,
    localparam int unsigned PortBits = $clog2(Ports),
    localparam int unsigned ChannelBits = $clog2(Channels),
    localparam int unsigned PacketBits = $clog2(Packets)
) (
    input  logic                   clk_i,
    input  logic                   rst_ni,
    input  logic                   more_i,
    // Constant.
    input  logic [23:0]            cfg_size_i,        // of the torus: x in bits 7..0, y, z; 1 to 64
    input  logic [15:0]            cfg_node_i,        // at the local port; nodes count along x first
    input  logic [3:0]             cfg_lanes_i,       // 1 to 8
    input  logic [15:0]            cfg_flit_bytes_i,
    input  logic                   cfg_dateline_i,
    input  logic [32*Ports-1:0]    cfg_room_i,        // flits of each channel's buffer here
    input  logic [32*Ports-1:0]    cfg_peer_room_i,   // and behind the output
    input  logic [47:0]            cfg_read_bytes_i,  // an input's rate, per read_cycles
    input  logic [47:0]            cfg_read_cycles_i,
    input  logic [32*Ports-1:0]    cfg_rate_bytes_i,  // of the links, per rate_cycles
    input  logic [32*Ports-1:0]    cfg_rate_cycles_i,
    // Events. A link's rate changes: so many bytes x rate_cycles are then still to be sent.
    input  logic [Ports-1:0]       set_rate_i,
    input  logic [64*Ports-1:0]    set_rate_busy_i,
    input  logic [2:0]             set_faults_i,      // of the ring in x, y, z the router learns
    input  logic [191:0]           set_faults_cables_i,  // which are broken; n: from node n up
    input  logic [Ports-1:0]       forget_room_i,     // the peer will tell what room it has
    input  logic [Ports-1:0]       tell_room_i,       // it must be told again
    // What arrives: packets, and room behind the outputs.
    input  logic [Ports-1:0]       in_valid_i,
    input  logic [192*Ports-1:0]   in_frame_i,
    input  logic [Ports-1:0]       credit_valid_i,
    input  logic [8*Ports-1:0]     credit_channel_i,
    input  logic [16*Ports-1:0]    credit_flits_i,
    // The links: sop when a packet starts, valid while it occupies the link, eop at its end.
    output logic [Ports-1:0]       out_valid_o,
    output logic [Ports-1:0]       out_sop_o,
    output logic [Ports-1:0]       out_eop_o,
    output logic [192*Ports-1:0]   out_frame_o,
    // The buffer in which the packet on the link has come; and that it has left it, in this cycle.
    output logic [8*Ports-1:0]     out_input_o,
    output logic [8*Ports-1:0]     out_channel_o,
    output logic [Ports-1:0]       left_o,
    // Room given back for the inputs.
    output logic [Ports-1:0]       credit_valid_o,
    output logic [8*Ports-1:0]     credit_channel_o,
    output logic [16*Ports-1:0]    credit_flits_o,
    // Nothing happens without a new input.
    output logic                   idle_o,
    // Packets dropped at this edge: they have no way to their node. All, and by input and channel.
    output logic [15:0]            dropped_o,
    output logic [16*Queues-1:0]   dropped_from_o,
    // State.
    output logic [31:0]            queued_o,          // packets
    output logic [Queues-1:0]      waiting_o,         // channels of inputs with a packet
    output logic [8*Queues-1:0]    head_output_o,     // where the first packet of each goes,
    output logic [8*Queues-1:0]    head_channel_o,    // and in which channel there
    output logic [32*Queues-1:0]   room_o,            // by output and channel
    output logic [32*Queues-1:0]   held_flits_o,      // by input and channel, those leaving included
    output logic [32*Queues-1:0]   unreturned_flits_o
);
  localparam int unsigned QueueBits = $clog2(Queues);
  localparam int unsigned SlotBits = $clog2(Queues * Packets);

  // The buffers: of each channel of each input a ring of slots, and what is known of the first.
  logic [191:0]            frame_q [Queues*Packets];
  logic [PacketBits-1:0]   first_q [Queues];
  logic [PacketBits:0]     length_q [Queues];
  logic [31:0]             held_flits_q [Queues];
  logic [Channels-1:0]     waiting_q [Ports];
  logic [PortBits-1:0]     head_output_q [Queues];
  logic [ChannelBits-1:0]  head_channel_q [Queues];  // of the output's link
  logic [15:0]             head_flits_q [Queues];
  logic [31:0]             queued_q;

  // Inputs. Bytes x cycles of the rate until the input is free; not above 0 means free, and a frame
  // that starts within a cycle of the end of the one before begins right there.
  logic [ChannelBits:0]    input_turn_q [Ports];
  logic signed [63:0]      read_busy_q [Ports];
  logic [31:0]             returns_q [Queues];

  // Outputs, and what is on its way to them. Links are busy as inputs are.
  logic [PortBits:0]       output_turn_q [Ports];
  logic signed [63:0]      busy_q [Ports];
  logic [Ports-1:0]        sop_q, leaving_q;
  logic [PortBits-1:0]     leaving_input_q [Ports];
  logic [ChannelBits-1:0]  leaving_channel_q [Ports];
  logic [15:0]             leaving_flits_q [Ports];
  logic [31:0]             room_q [Queues];

  // Cables of the rings that are known to be broken.
  logic [63:0]             faults_q [3];

  // For the properties.
  logic [Ports-1:0]        was_busy_q, reads_twice_q;
  logic [31:0]             taken_q [Queues];         // of the room behind an output
  logic [31:0]             queued_flits_q [Queues];
  logic [7:0]              came_q [Queues];
  logic [7:0]              left_q [Queues];
  logic [7:0]              stamp_q [Queues*Packets];
  logic                    overflow_q, no_room_q, out_of_order_q;

  // Values of one step: always written before they are read.
  heddle_pkg::frame_t      frame;
  logic [QueueBits-1:0]    queue;
  logic [SlotBits-1:0]     slot;
  logic [PortBits-1:0]     output_port;
  logic [ChannelBits-1:0]  channel;
  logic [15:0]             flits;
  logic                    found, decided, goes_up, behind;
  logic [7:0]              here, to, size, distance, offset;
  logic [63:0]             ring, way_up;
  logic                    up_open, down_open;
  logic [Channels-1:0]     ready;
  logic [ChannelBits-1:0]  picked [Ports];
  logic [Ports-1:0]        requests [Ports];

  function automatic logic [QueueBits-1:0] queue_of(input logic [PortBits-1:0] port,
                                                    input logic [ChannelBits-1:0] of_channel);
    queue_of = QueueBits'(32'(port) * Channels + 32'(of_channel));
  endfunction

  function automatic logic [15:0] flits_of(input logic [15:0] bytes);
    flits_of = bytes / cfg_flit_bytes_i;
  endfunction

  // The first requester at or after `turn`, going round.
  function automatic logic [4:0] pick(input logic [31:0] requesters, input logic [5:0] turn);
    logic [31:0] ahead;
    ahead = requesters & ({32{1'b1}} << turn);
    if (ahead == '0) ahead = requesters;
    pick = '0;
    for (int unsigned n = 32; n > 0; n--) begin
      if (ahead[n-1]) pick = 5'(n - 1);
    end
  endfunction

  // --- places and ports -------------------------------------------------------------------------

  // Of each ring its size, where this node stands, and the port up; the one down comes after that.
  logic [7:0]              size_at [3];
  logic [7:0]              here_at [3];
  logic [PortBits-1:0]     up_port [3];
  logic [PortBits-1:0]     local_port;

  always_comb begin
    local_port = '0;
    for (int unsigned d = 0; d < 3; d++) begin
      size_at[d] = cfg_size_i[8*d +: 8];
      here_at[d] = coordinate(cfg_node_i, 2'(d));
      up_port[d] = local_port;
      if (size_at[d] > 1) local_port = local_port + PortBits'(2);
    end
  end

  function automatic logic [7:0] coordinate(input logic [15:0] node, input logic [1:0] dimension);
    logic [15:0] rest;
    rest = node;
    if (dimension > 0) rest = rest / {8'd0, cfg_size_i[7:0]};
    if (dimension > 1) rest = rest / {8'd0, cfg_size_i[15:8]};
    coordinate = 8'(rest % {8'd0, cfg_size_i[8*dimension +: 8]});
  endfunction

  function automatic logic [7:0] next_cable(input logic [1:0] dimension, input logic up);
    next_cable = here_at[dimension];
    if (!up) next_cable = (next_cable == '0 ? size_at[dimension] : next_cable) - 1'b1;
  endfunction

  // The link across the dateline: between the last and the first node of the ring.
  function automatic logic crosses_dateline(input logic [1:0] dimension, input logic up);
    crosses_dateline = cfg_dateline_i && next_cable(dimension, up) + 1'b1 == size_at[dimension];
  endfunction

  // --- routes -----------------------------------------------------------------------------------

  // Where `frame` goes from this channel of `port`: the first ring in which it is not yet where it
  // belongs. It goes on in the ring in which it has come, and is `found` to have no way if the next
  // cable is broken.
  task automatic route(input logic [PortBits-1:0] port, input logic [ChannelBits-1:0] of_channel);
    found = 1'b1;
    decided = 1'b0;
    behind = 1'b0;
    output_port = local_port;
    for (int unsigned d = 0; d < 3; d++) begin
      here = here_at[d];
      to = coordinate(frame.destination, 2'(d));
      if (!decided && to != here) begin
        decided = 1'b1;
        if (port != local_port && port >> 1 == up_port[d] >> 1) begin
          output_port = {port[PortBits-1:1], !port[0]};
          found = !faults_q[d][6'(next_cable(2'(d), !output_port[0]))];
          behind = in_upper_half(of_channel);
        end else begin
          enter_ring(2'(d));
        end
        behind = behind || crosses_dateline(2'(d), !output_port[0]);
      end
    end
    channel = of_channel;
    if (in_upper_half(of_channel)) channel = channel - ChannelBits'(cfg_lanes_i);
    if (behind) channel = channel + ChannelBits'(cfg_lanes_i);
    flits = flits_of(frame.wire_bytes);
  endtask

  // Channels: requests before the dateline, behind it, responses before it, behind it.
  function automatic logic in_upper_half(input logic [ChannelBits-1:0] of_channel);
    in_upper_half = 32'(of_channel) >= 3 * 32'(cfg_lanes_i) ||
                    (32'(of_channel) >= 32'(cfg_lanes_i) &&
                     32'(of_channel) < 2 * 32'(cfg_lanes_i));
  endfunction

  // From `here` to `to`: the shorter way round, or the other one where that is broken.
  task automatic enter_ring(input logic [1:0] dimension);
    size = size_at[dimension];
    distance = to > here ? to - here : to + size - here;
    for (int unsigned n = 0; n < 64; n++) begin
      ring[n] = n < 32'(size);
      offset = n >= 32'(here) ? 8'(n) - here : 8'(n) + size - here;
      way_up[n] = offset < distance;
    end
    up_open = (faults_q[dimension] & ring & way_up) == '0;
    down_open = (faults_q[dimension] & ring & ~way_up) == '0;
    found = up_open || down_open;
    if ({distance, 1'b0} == {1'b0, size}) find_tie(dimension);
    else goes_up = {distance, 1'b0} < {1'b0, size};
    output_port = up_port[dimension];
    output_port[0] = !(goes_up ? up_open : !down_open);
  endtask

  // Of two ways of the same length half of all pairs go up.
  task automatic find_tie(input logic [1:0] dimension);
    goes_up = 1'b1;
    for (int unsigned d = 0; d < 3; d++) begin
      offset = coordinate(frame.source, 2'(d));
      goes_up = goes_up ^ offset[0];
      if (d != 32'(dimension)) begin
        offset = coordinate(frame.destination, 2'(d));
        goes_up = goes_up ^ offset[0];
      end
    end
  endtask

  // --- buffers ----------------------------------------------------------------------------------

  // Slot of packet number `n` in `queue`.
  task automatic find_slot(input logic [PacketBits:0] n);
    n = (PacketBits + 1)'(first_q[queue]) + n;
    if (n >= (PacketBits + 1)'(Packets)) n = n - (PacketBits + 1)'(Packets);
    slot = SlotBits'(32'(queue) * Packets + 32'(n));
  endtask

  task automatic push();
    overflow_q = overflow_q || length_q[queue] == (PacketBits + 1)'(Packets);
    find_slot(length_q[queue]);
    frame_q[slot] = frame;
    stamp_q[slot] = came_q[queue];
    came_q[queue] = came_q[queue] + 1'b1;
    length_q[queue] = length_q[queue] + 1'b1;
    queued_flits_q[queue] = queued_flits_q[queue] + 32'(flits_of(frame.wire_bytes));
    queued_q = queued_q + 1'b1;
  endtask

  // The first of `queue` is `frame`.
  task automatic look();
    find_slot('0);
    frame = frame_q[slot];
  endtask

  task automatic pop();
    look();
    first_q[queue] = first_q[queue] == PacketBits'(Packets - 1) ? '0 : first_q[queue] + 1'b1;
    length_q[queue] = length_q[queue] - 1'b1;
    queued_q = queued_q - 1'b1;
    out_of_order_q = out_of_order_q || stamp_q[slot] != left_q[queue];
    left_q[queue] = left_q[queue] + 1'b1;
    queued_flits_q[queue] = queued_flits_q[queue] - 32'(flits_of(frame.wire_bytes));
  endtask

  // Of a queue that has one: the first packet, dropped if it has no way to go.
  task automatic route_first(input logic [PortBits-1:0] port,
                             input logic [ChannelBits-1:0] of_channel);
    look();
    route(port, of_channel);
    if (!found) begin
      pop();
      leave(flits);
      dropped_o = dropped_o + 1'b1;
      dropped_from_o[16*queue +: 16] = dropped_from_o[16*queue +: 16] + 1'b1;
    end
  endtask

  // The first packet that has a way to go; those before it are dropped.
  task automatic route_head(input logic [PortBits-1:0] port,
                            input logic [ChannelBits-1:0] of_channel);
    queue = queue_of(port, of_channel);
    waiting_q[port][of_channel] = 1'b0;
    found = 1'b0;
    if (length_q[queue] != '0) route_first(port, of_channel);
    if (!found && length_q[queue] != '0) begin
      for (int unsigned n = 1; n < Packets; n++) begin
        if (!found && length_q[queue] != '0) route_first(port, of_channel);
      end
    end
    if (found) begin
      waiting_q[port][of_channel] = 1'b1;
      head_output_q[queue] = output_port;
      head_channel_q[queue] = channel;
      head_flits_q[queue] = flits;
    end
  endtask

  // So many flits leave the buffer of `queue`.
  task automatic leave(input logic [15:0] freed);
    held_flits_q[queue] = held_flits_q[queue] - 32'(freed);
    returns_q[queue] = returns_q[queue] + 32'(freed);
  endtask

  // --- 0. events --------------------------------------------------------------------------------

  task automatic take_events();
    for (int unsigned p = 0; p < Ports; p++) begin
      for (int unsigned c = 0; c < Channels; c++) begin
        if (forget_room_i[p]) begin
          room_q[p*Channels+c] = '0;
          taken_q[p*Channels+c] = cfg_peer_room_i[32*p +: 32];
        end
        if (tell_room_i[p] && c < 4 * 32'(cfg_lanes_i)) begin
          returns_q[p*Channels+c] = cfg_room_i[32*p +: 32] - held_flits_q[p*Channels+c];
        end
      end
    end
    for (int unsigned d = 0; d < 3; d++) begin
      if (set_faults_i[d]) faults_q[d] = set_faults_cables_i[64*d +: 64];
    end
    if (set_faults_i != '0) route_all();
  endtask

  task automatic route_all();
    for (int unsigned p = 0; p < Ports; p++) begin
      for (int unsigned c = 0; c < Channels; c++) begin
        if (waiting_q[p][c]) route_head(PortBits'(p), ChannelBits'(c));
      end
    end
  endtask

  // --- 1. receive credits -----------------------------------------------------------------------

  task automatic receive_credits();
    for (int unsigned p = 0; p < Ports; p++) begin
      if (credit_valid_i[p]) begin
        queue = queue_of(PortBits'(p), credit_channel_i[8*p +: ChannelBits]);
        room_q[queue] = room_q[queue] + 32'(credit_flits_i[16*p +: 16]);
        taken_q[queue] = taken_q[queue] - 32'(credit_flits_i[16*p +: 16]);
      end
    end
  endtask

  // --- 2. receive packets -----------------------------------------------------------------------

  task automatic receive_packets();
    for (int unsigned p = 0; p < Ports; p++) begin
      if (in_valid_i[p]) begin
        frame = in_frame_i[192*p +: 192];
        queue = queue_of(PortBits'(p), frame.traffic_class[ChannelBits-1:0]);
        held_flits_q[queue] = held_flits_q[queue] + 32'(flits_of(frame.wire_bytes));
        push();
        if (length_q[queue] == 1) route_head(PortBits'(p), frame.traffic_class[ChannelBits-1:0]);
      end
    end
  endtask

  // --- 3. finish --------------------------------------------------------------------------------

  task automatic finish_packets();
    for (int unsigned p = 0; p < Ports; p++) begin
      if (leaving_q[p] && busy_q[p] <= 0) begin
        leaving_q[p] = 1'b0;
        left_o[p] = 1'b1;
        queue = queue_of(leaving_input_q[p], leaving_channel_q[p]);
        leave(leaving_flits_q[p]);
      end
    end
  endtask

  // --- 4. start ---------------------------------------------------------------------------------

  task automatic start_packets();
    for (int unsigned p = 0; p < Ports; p++) requests[p] = '0;
    for (int unsigned p = 0; p < Ports; p++) begin
      find_ready(PortBits'(p));
      if (ready != '0) begin
        picked[p] = ChannelBits'(pick(32'(ready), 6'(input_turn_q[p])));
        requests[head_output_q[queue_of(PortBits'(p), picked[p])]][p] = 1'b1;
      end
    end
    for (int unsigned p = 0; p < Ports; p++) begin
      if (requests[p] != '0) start(PortBits'(pick(32'(requests[p]), 6'(output_turn_q[p]))));
    end
  endtask

  // The channels of an input whose first packet could start now.
  task automatic find_ready(input logic [PortBits-1:0] port);
    for (int unsigned c = 0; c < Channels; c++) begin
      queue = queue_of(port, ChannelBits'(c));
      ready[c] = waiting_q[port][c] && read_busy_q[port] <= 0 &&
                 busy_q[head_output_q[queue]] <= 0 &&
                 room_q[queue_of(head_output_q[queue], head_channel_q[queue])] >=
                 32'(head_flits_q[queue]);
    end
  endtask

  // The packet that `port` has picked.
  task automatic start(input logic [PortBits-1:0] port);
    queue = queue_of(port, picked[port]);
    output_port = head_output_q[queue];
    flits = head_flits_q[queue];
    take_room(queue_of(output_port, head_channel_q[queue]));
    pop();
    frame.traffic_class = 8'(head_channel_q[queue]);
    input_turn_q[port] = (ChannelBits + 1)'(picked[port]) + 1'b1;
    output_turn_q[output_port] = (PortBits + 1)'(port) + 1'b1;
    occupy_input(port);
    occupy_link();
    leaving_q[output_port] = 1'b1;
    leaving_input_q[output_port] = port;
    leaving_channel_q[output_port] = picked[port];
    leaving_flits_q[output_port] = flits;
    route_head(port, picked[port]);
  endtask

  task automatic take_room(input logic [QueueBits-1:0] of_queue);
    no_room_q = no_room_q || room_q[of_queue] < 32'(flits);
    room_q[of_queue] = room_q[of_queue] - 32'(flits);
    taken_q[of_queue] = taken_q[of_queue] + 32'(flits);
  endtask

  task automatic occupy_input(input logic [PortBits-1:0] port);
    reads_twice_q[port] = reads_twice_q[port] || read_busy_q[port] > 0;
    if (read_busy_q[port] <= -$signed({16'd0, cfg_read_bytes_i})) read_busy_q[port] = '0;
    read_busy_q[port] =
        read_busy_q[port] + $signed({48'd0, frame.wire_bytes} * {16'd0, cfg_read_cycles_i});
  endtask

  // `frame` starts on the link of `output_port`.
  task automatic occupy_link();
    out_frame_o[192*output_port +: 192] = frame;
    sop_q[output_port] = 1'b1;
    if (busy_q[output_port] <= -$signed({32'd0, cfg_rate_bytes_i[32*output_port +: 32]})) begin
      busy_q[output_port] = '0;
    end
    busy_q[output_port] =
        busy_q[output_port] +
        $signed({48'd0, frame.wire_bytes} * {32'd0, cfg_rate_cycles_i[32*output_port +: 32]});
  endtask

  // --- 5. return credits ------------------------------------------------------------------------

  // Of each input the lowest channel that has room to give back.
  task automatic return_credits();
    for (int unsigned p = 0; p < Ports; p++) begin
      for (int unsigned c = 0; c < Channels; c++) begin
        if (returns_q[p*Channels+c] != '0 && !credit_valid_o[p]) begin
          flits = returns_q[p*Channels+c] > 32'hffff ? '1 : returns_q[p*Channels+c][15:0];
          returns_q[p*Channels+c] = returns_q[p*Channels+c] - 32'(flits);
          credit_valid_o[p] = 1'b1;
          credit_channel_o[8*p +: 8] = 8'(c);
          credit_flits_o[16*p +: 16] = flits;
        end
      end
    end
  endtask

  // --- the cycle --------------------------------------------------------------------------------

  // The strobes of the edge before are over.
  task automatic begin_edge();
    sop_q = '0;
    left_o = '0;
    credit_valid_o = '0;
    dropped_o = '0;
    dropped_from_o = '0;
  endtask

  // Inputs and links have passed a cycle's bytes.
  task automatic pass_cycle();
    for (int unsigned p = 0; p < Ports; p++) begin
      if (read_busy_q[p] <= 0) read_busy_q[p] = '0;
      read_busy_q[p] = read_busy_q[p] - $signed({16'd0, cfg_read_bytes_i});
      if (set_rate_i[p]) begin
        busy_q[p] = $signed(set_rate_busy_i[64*p +: 64]);
      end else begin
        if (busy_q[p] <= 0) busy_q[p] = '0;
        busy_q[p] = busy_q[p] - $signed({32'd0, cfg_rate_bytes_i[32*p +: 32]});
      end
      was_busy_q[p] = busy_q[p] > 0;
    end
  endtask

  task automatic reset();
    for (int unsigned q = 0; q < Queues; q++) begin
      first_q[q] = '0;
      length_q[q] = '0;
      held_flits_q[q] = '0;
      head_output_q[q] = '0;
      head_channel_q[q] = '0;
      head_flits_q[q] = '0;
      returns_q[q] = '0;
      room_q[q] = cfg_peer_room_i[32*(q/Channels) +: 32];
      taken_q[q] = '0;
      queued_flits_q[q] = '0;
      came_q[q] = '0;
      left_q[q] = '0;
    end
    for (int unsigned p = 0; p < Ports; p++) begin
      waiting_q[p] = '0;
      input_turn_q[p] = '0;
      read_busy_q[p] = '0;
      output_turn_q[p] = '0;
      busy_q[p] = '0;
      leaving_input_q[p] = '0;
      leaving_channel_q[p] = '0;
      leaving_flits_q[p] = '0;
    end
    for (int unsigned d = 0; d < 3; d++) faults_q[d] = '0;
    queued_q = '0;
    sop_q = '0;
    leaving_q = '0;
    was_busy_q = '0;
    reads_twice_q = '0;
    overflow_q = 1'b0;
    no_room_q = 1'b0;
    out_of_order_q = 1'b0;
    out_frame_o = '0;
    credit_valid_o = '0;
    credit_channel_o = '0;
    credit_flits_o = '0;
    left_o = '0;
    dropped_o = '0;
    dropped_from_o = '0;
  endtask

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      reset();
    end else begin
      begin_edge();
      take_events();        // 0. room forgotten or told, first packets routed anew
      receive_credits();    // 1. room in the buffers behind the outputs
      receive_packets();    // 2. packets to the queues of their channels; first ones are routed
      if (!more_i) begin
        pass_cycle();
        finish_packets();   // 3. tails have left: their room is free
        start_packets();    // 4. each input picks a channel, each output an input
        return_credits();   // 5. free room to those who send here
      end
    end
  end

  // --- what others see --------------------------------------------------------------------------

  always_comb begin
    idle_o = credit_valid_o == '0;
    for (int unsigned p = 0; p < Ports; p++) begin
      out_valid_o[p] = sop_q[p] || busy_q[p] > 0;
      out_eop_o[p] = out_valid_o[p] &&
                     busy_q[p] <= $signed({32'd0, cfg_rate_bytes_i[32*p +: 32]});
      if (busy_q[p] > -$signed({32'd0, cfg_rate_bytes_i[32*p +: 32]}) ||
          read_busy_q[p] > -$signed({16'd0, cfg_read_bytes_i})) idle_o = 1'b0;
      out_input_o[8*p +: 8] = 8'(leaving_input_q[p]);
      out_channel_o[8*p +: 8] = 8'(leaving_channel_q[p]);
      waiting_o[Channels*p +: Channels] = waiting_q[p];
    end
    for (int unsigned q = 0; q < Queues; q++) begin
      if (returns_q[q] != '0) idle_o = 1'b0;
      head_output_o[8*q +: 8] = 8'(head_output_q[q]);
      head_channel_o[8*q +: 8] = 8'(head_channel_q[q]);
      room_o[32*q +: 32] = room_q[q];
      held_flits_o[32*q +: 32] = held_flits_q[q];
      unreturned_flits_o[32*q +: 32] = returns_q[q];
    end
  end

  assign out_sop_o = sop_q;
  assign queued_o = queued_q;

  // --- properties -------------------------------------------------------------------------------

  logic [31:0] leaving_flits [Queues];
  logic [31:0] packets;

  always_comb begin
    packets = '0;
    for (int unsigned q = 0; q < Queues; q++) begin
      packets = packets + 32'(length_q[q]);
      leaving_flits[q] = '0;
    end
    for (int unsigned p = 0; p < Ports; p++) begin
      if (leaving_q[p]) begin
        leaving_flits[queue_of(leaving_input_q[p], leaving_channel_q[p])] =
            leaving_flits[queue_of(leaving_input_q[p], leaving_channel_q[p])] +
            32'(leaving_flits_q[p]);
      end
    end
  end

  always_comb begin
    if (rst_ni) begin
      // Nothing is pushed into a full buffer.
      p_room: assert (!overflow_q);
      // No packet starts without room for all of its flits in the next buffer.
      p_cut_through: assert (!no_room_q);
      // An input reads one packet at a time, at its rate.
      p_reads: assert (reads_twice_q == '0);
      // The packets of a buffer leave in the order in which they have come.
      p_order: assert (!out_of_order_q);
      // All packets that are here are in a buffer.
      p_packets: assert (packets == queued_q);
      for (int unsigned q = 0; q < Queues; q++) begin
        // The room behind an output is never more than the buffer there, and none of it is lost.
        assert (room_q[q] <= cfg_peer_room_i[32*(q/Channels) +: 32]);
        assert (room_q[q] + taken_q[q] == cfg_peer_room_i[32*(q/Channels) +: 32]);
        // A buffer never holds more than its flits: those of its packets, and of those leaving.
        assert (held_flits_q[q] <= cfg_room_i[32*(q/Channels) +: 32]);
        assert (held_flits_q[q] == queued_flits_q[q] + leaving_flits[q]);
        // What is given back was never more than the buffer.
        assert (held_flits_q[q] + returns_q[q] <= cfg_room_i[32*(q/Channels) +: 32]);
        // A channel waits if, and only if, it has a packet.
        assert (waiting_q[q/Channels][q%Channels] == (length_q[q] != '0));
      end
      for (int unsigned p = 0; p < Ports; p++) begin
        // No packet starts on a busy link.
        assert (!sop_q[p] || !was_busy_q[p]);
        // No packet turns back.
        assert (!sop_q[p] || PortBits'(p) == local_port || leaving_input_q[p] != PortBits'(p));
      end
    end
  end

endmodule
