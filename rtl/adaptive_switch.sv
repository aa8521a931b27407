// Twin of models/switches/adaptive_switch.h.
//
// The shallow-buffer switch: a shared packet memory with dynamic thresholds, priority flow control,
// congestion marking, a choice among equal-cost ports for every packet, strict and weighted classes.
//
// Cycle behaviour. The rising edge number t does what the model does in cycle t: it takes the frames
// on the input pins (behind latency, tail and pipeline of the link in front), in ascending order of
// ports and the link-local one of a port first, and starts frames on every link that is ready. What
// is on the output pins after the edge is on the links in cycle t.
//  - in_*_i: a frame of a host; local_*_i: a pause frame of the peer, which acts at once.
//  - out_sop_o: a frame starts; out_valid_o: the link is busy; out_eop_o: for the last cycle.
//  - more_i: this edge is not the last one of its cycle. It takes what is on the pins, and nothing
//    is sent yet: for two packets that come to one port in one cycle, and for what happens between
//    two cycles (forget_pauses_i, restored_i, thresholds_changed_i, set_rate_i).
//  - idle_o: without a new input no edge would change anything. now_i is looked at by flowlets only.
//
// All packets are in one memory of Packets slots, as linked lists with a free list; how many bytes
// they may be is counted in cells. full_o: there was no slot (bit 0), or a port had more than
// PauseFrames pause frames to send (bit 1); what the switch does from then on means nothing.
module adaptive_switch #(
    parameter int unsigned Ports = 4,            // at least 2
    parameter int unsigned Hosts = 16,
    parameter int unsigned Classes = 4,          // 2 to 8
    parameter int unsigned Packets = 64,         // slots for packets
    parameter int unsigned PauseFrames = 16,     // that wait at a port; a power of two
    parameter int unsigned FlowletEntries = 64,  // a power of two; the model has 8192
    localparam int unsigned PortBits = $clog2(Ports),
    localparam int unsigned ClassBits = $clog2(Classes),
    localparam int unsigned Queues = Ports * Classes,  // and groups: port and class each
    localparam int unsigned QueueBits = $clog2(Queues),
    localparam int unsigned SlotBits = $clog2(Packets),
    localparam int unsigned PauseBits = $clog2(PauseFrames),
    localparam int unsigned FlowletBits = $clog2(FlowletEntries),
    localparam int unsigned BusyBits = 50
) (
    input  logic                           clk_i,
    input  logic                           rst_ni,
    input  logic [63:0]                    now_i,
    input  logic                           more_i,

    // Frames. Port 0 to the right, everywhere.
    input  logic [Ports-1:0]               in_valid_i,
    input  logic [192*Ports-1:0]           in_frame_i,
    input  logic [Ports-1:0]               local_valid_i,
    input  logic [192*Ports-1:0]           local_frame_i,
    output logic [Ports-1:0]               out_valid_o,
    output logic [Ports-1:0]               out_sop_o,
    output logic [Ports-1:0]               out_eop_o,
    output logic [192*Ports-1:0]           out_frame_o,

    // What has become of the packet that came in at a port with this edge: Admission, and where to.
    output logic [Ports-1:0]               taken_valid_o,
    output logic [3*Ports-1:0]             taken_admission_o,
    output logic [PortBits*Ports-1:0]      taken_port_o,
    output logic [Ports-1:0]               taken_marked_o,
    output logic [Ports-1:0]               taken_trimmed_o,
    // The packet that left last by this port is no longer held.
    output logic [Ports-1:0]               released_o,
    output logic [31:0]                    pauses_made_o,         // pause frames, since reset
    output logic [31:0]                    held_o,                // frames that have not started
    output logic [1:0]                     full_o,
    output logic                           idle_o,

    // From those who watch over links and routes; between two cycles.
    input  logic [Ports-1:0]               forget_pauses_i,       // the peer can no longer end them
    input  logic [Ports-1:0]               restored_i,            // the peer must hear of ours again
    input  logic                           thresholds_changed_i,
    input  logic [Ports-1:0]               set_rate_i,            // there is another,
    input  logic [BusyBits*Ports-1:0]      set_rate_busy_i,       // and busy_q in its unit
    input  logic [Hosts*Ports-1:0]         withdrawn_i,           // host by port: leads there no more

    // State that others may read.
    output logic [31:0]                    free_cells_o,
    output logic [31:0]                    headroom_used_o,
    output logic [32*Queues-1:0]           queue_cells_o,         // by output and class
    output logic [32*Queues-1:0]           group_cells_o,         // by input and class
    output logic [32*Queues-1:0]           queued_packets_o,
    output logic [Queues-1:0]              xoff_o,
    output logic [Queues-1:0]              paused_o,              // by the peers
    output logic [40*Ports-1:0]            queued_bytes_o,
    output logic [8*Ports-1:0]             grades_o,

    // Configuration.
    input  logic [32*Ports-1:0]            cfg_rate_bytes_i,
    input  logic [32*Ports-1:0]            cfg_rate_cycles_i,
    input  logic [3:0]                     cfg_classes_i,
    input  logic [Classes-1:0]             cfg_strict_i,
    input  logic [Classes-1:0]             cfg_lossless_i,
    input  logic [32*Classes-1:0]          cfg_quantum_bytes_i,   // of a round
    input  logic [15:0]                    cfg_cell_bytes_i,
    input  logic [31:0]                    cfg_shared_cells_i,
    input  logic [32*Queues-1:0]           cfg_headroom_cells_i,  // by group
    input  logic [31:0]                    cfg_alpha_lossless_i,  // of 2^-16
    input  logic [31:0]                    cfg_alpha_lossy_i,
    input  logic                           cfg_xoff_i,            // cfg_xoff_cells_i instead of alpha
    input  logic [31:0]                    cfg_xoff_cells_i,
    input  logic [31:0]                    cfg_xon_offset_cells_i,
    input  logic [63:0]                    cfg_kmin_bytes_i,
    input  logic [63:0]                    cfg_kmax_bytes_i,
    input  logic [63:0]                    cfg_mark_slope_i,
    input  logic                           cfg_trimming_i,
    input  logic [1:0]                     cfg_routing_i,         // Routing
    input  logic                           cfg_spray_random_i,    // or round robin
    input  logic [63:0]                    cfg_flowlet_gap_cycles_i,
    input  logic [31:0]                    cfg_grade_bytes_i,
    input  logic [7:0]                     cfg_grades_i,
    input  logic [PortBits*Hosts-1:0]      cfg_group_of_host_i,
    input  logic [PortBits*Ports-1:0]      cfg_group_first_i,     // its ports are neighbours
    input  logic [(PortBits+1)*Ports-1:0]  cfg_group_ports_i,
    input  logic [63:0]                    cfg_salt_i,
    input  logic [63:0]                    cfg_random_i,          // states to begin with
    input  logic [64*Ports-1:0]            cfg_spray_i,           // by group
    input  logic [63:0]                    cfg_marking_i
);
  localparam logic [1:0] RoutingEcmp     = 2'd0;
  localparam logic [1:0] RoutingFlowlet  = 2'd1;
  localparam logic [1:0] RoutingAdaptive = 2'd2;

  localparam logic [2:0] AdmitShared   = 3'd0;
  localparam logic [2:0] AdmitHeadroom = 3'd1;
  localparam logic [2:0] DropThreshold = 3'd2;
  localparam logic [2:0] DropPool      = 3'd3;
  localparam logic [2:0] DropHeadroom  = 3'd4;
  localparam logic [2:0] Unreachable   = 3'd5;

  // --- state ------------------------------------------------------------------------------------

  // The packet memory: queues by output and class, and the slots that nobody uses. Slots from
  // fresh_q on have never been used.
  logic [191:0]          frame_q [Packets];
  logic [PortBits-1:0]   input_q [Packets];
  logic [15:0]           cells_q [Packets];
  logic [SlotBits-1:0]   next_q [Packets];
  logic [SlotBits:0]     fresh_q, free_count_q;
  logic [SlotBits-1:0]   free_q;
  logic [SlotBits-1:0]   head_q [Queues];
  logic [SlotBits-1:0]   tail_q [Queues];
  logic [SlotBits:0]     length_q [Queues];

  // The accounts of the memory.
  logic [31:0]           shared_q [Queues];       // by group
  logic [31:0]           headroom_q [Queues];     // by group
  logic [31:0]           queue_cells_q [Queues];  // by queue
  logic [31:0]           shared_used_q, headroom_used_q;
  logic [Queues-1:0]     xoff_q, changed_q;       // by group; changed: not announced yet

  // The choice of a port.
  logic [63:0]           random_q, marking_q;
  logic [63:0]           spray_q [Ports];         // by group
  logic [PortBits-1:0]   order_q [Ports*Ports];   // by group: the round at hand
  logic [PortBits:0]     position_q [Ports];      // by group: in that round
  logic [FlowletEntries-1:0] flowlet_used_q;
  logic [63:0]           flowlet_last_q [FlowletEntries];
  logic [PortBits-1:0]   flowlet_choice_q [FlowletEntries];
  logic [7:0]            grade_q [Ports];

  // The outputs.
  logic signed [BusyBits-1:0] busy_q [Ports];     // of the link, in 1 / rate_bytes cycles
  logic [39:0]           queued_bytes_q [Ports];
  logic [Classes-1:0]    backlog_q [Ports];
  logic [Classes-1:0]    paused_q [Ports];
  logic [Ports-1:0]      leaving_q;               // the packet of out_*_q is still held
  logic [15:0]           out_bytes_q [Ports];
  logic [15:0]           out_cells_q [Ports];
  logic [PortBits-1:0]   out_input_q [Ports];
  logic [ClassBits-1:0]  out_class_q [Ports];
  logic [ClassBits-1:0]  current_q [Ports];       // class of the round robin
  logic [31:0]           deficit_q [Queues];
  logic [ClassBits:0]    pause_q [Ports*PauseFrames];  // off and class
  logic [PauseBits-1:0]  pause_head_q [Ports];
  logic [PauseBits:0]    pause_count_q [Ports];

  logic [Queues-1:0]     told_q;                  // by group: the latest pause frame; for properties

  // --- names for the step at hand; nothing of it is kept ----------------------------------------

  heddle_pkg::frame_t    frame;
  logic [2:0]            admission;
  logic                  marked, trimmed, detoured, gap, found, is_lossless;
  logic [PortBits-1:0]   group_number, first, to_port, swapped;
  logic [PortBits:0]     count, place, best_count, drawn;
  logic [Ports-1:0]      candidates, best;
  logic [7:0]            best_grade;
  logic [63:0]           hash, depth;
  logic [FlowletBits-1:0] flowlet;
  logic [ClassBits-1:0]  of_class;
  logic [QueueBits-1:0]  group, queue;
  logic [31:0]           cells, drained, free, alpha, held, length;
  logic [63:0]           threshold, level;
  logic [39:0]           steps;
  logic [SlotBits-1:0]   slot;
  logic [Classes-1:0]    eligible;
  logic signed [BusyBits-1:0] rate;
  logic [31:0]           sum_shared, sum_headroom, sum_queues, sum_packets;

  // Number of a group or queue.
  function automatic logic [QueueBits-1:0] pair(input logic [PortBits-1:0] port,
                                                input logic [ClassBits-1:0] number);
    pair = QueueBits'(32'(port) * Classes + 32'(number));
  endfunction

  // The link carries nothing any more.
  function automatic logic ready(input logic signed [BusyBits-1:0] busy);
    ready = busy[BusyBits-1] || busy == '0;
  endfunction

  function automatic logic several(input logic [Classes-1:0] mask);
    several = (mask & (mask - Classes'(1))) != '0;
  endfunction

  // --- the cycle --------------------------------------------------------------------------------

  always_ff @(posedge clk_i) begin : cycle
    taken_valid_o = '0;
    released_o = '0;
    if (!rst_ni) begin
      clear();
    end else begin
      hear();                                         // 0. what has happened between two cycles
      for (int unsigned p = 0; p < Ports; p++) begin  // 1. packets routed, marked, admitted, queued
        if (local_valid_i[p]) take_pause(PortBits'(p));
        if (in_valid_i[p]) accept(PortBits'(p));
      end
      if (!more_i) begin
        announce_pauses();                            //    senders paused
        send();                                       // 2. links; freed memory ends pauses
      end
      check();
    end
  end

  // --- 0. between two cycles --------------------------------------------------------------------

  task hear;
    for (int unsigned p = 0; p < Ports; p++) begin
      if (forget_pauses_i[p]) paused_q[p] = '0;
      if (set_rate_i[p]) busy_q[p] = set_rate_busy_i[BusyBits*p +: BusyBits];
      for (int unsigned c = 0; c < Classes; c++) begin
        if (restored_i[p] && xoff_q[pair(PortBits'(p), ClassBits'(c))]) push_pause(PortBits'(p), ClassBits'(c), 1'b1);
      end
    end
    if (thresholds_changed_i) end_pauses();
  endtask

  // --- 1. receive -------------------------------------------------------------------------------

  task take_pause(input logic [PortBits-1:0] port);
    frame = local_frame_i[192*port +: 192];
    of_class = frame.traffic_class[ClassBits-1:0];
    paused_q[port][of_class] = frame.flags[heddle_pkg::FlagOff];
  endtask

  task accept(input logic [PortBits-1:0] port);
    frame = in_frame_i[192*port +: 192];
    marked = 1'b0;
    trimmed = 1'b0;
    choose_port();
    if (candidates == '0) begin
      admission = Unreachable;
    end else begin
      mark_congestion();
      store(port);
      if (admission == AdmitShared || admission == AdmitHeadroom) push(port);
    end
    taken_valid_o[port] = 1'b1;
    taken_admission_o[3*port +: 3] = admission;
    taken_port_o[PortBits*port +: PortBits] = to_port;
    taken_marked_o[port] = marked;
    taken_trimmed_o[port] = trimmed;
  endtask

  // The ports of the group that still lead to the host, and one of them: to_port.
  task choose_port;
    group_number = cfg_group_of_host_i[PortBits*frame.destination +: PortBits];
    first = cfg_group_first_i[PortBits*group_number +: PortBits];
    count = cfg_group_ports_i[(PortBits+1)*group_number +: PortBits+1];
    detoured = withdrawn_i != '0;
    candidates = ((Ports'(1) << count) - Ports'(1)) << first;
    if (detoured) begin
      candidates = candidates & ~withdrawn_i[Ports*frame.destination +: Ports];
      count = '0;
      for (int unsigned p = 0; p < Ports; p++) count = count + (PortBits+1)'(candidates[p]);
    end
    hash = heddle_pkg::flow_hash(cfg_salt_i, frame.source, frame.destination, frame.flow);
    drawn = '0;
    best = candidates;
    if (candidates != '0 && (detoured || count != (PortBits+1)'(1))) begin
      case (cfg_routing_i)
        RoutingEcmp:     drawn = (PortBits+1)'(heddle_pkg::below(hash, 32'(count)));
        RoutingFlowlet:  draw_by_flowlet();
        RoutingAdaptive: draw_by_grade();
        default:         draw_by_turn();
      endcase
    end
    to_port = '0;
    for (int unsigned p = 0; p < Ports; p++) begin  // number `drawn` of the best
      if (best[p]) begin
        if (drawn == '0) to_port = PortBits'(p);
        drawn = drawn - (PortBits+1)'(1);
      end
    end
  endtask

  // A flow keeps its port until it has been silent for long enough.
  task draw_by_flowlet;
    flowlet = hash[FlowletBits-1:0];
    gap = !flowlet_used_q[flowlet] ||
          now_i - flowlet_last_q[flowlet] >= cfg_flowlet_gap_cycles_i;
    if (gap) begin
      random_q = heddle_pkg::lfsr_next(random_q);
      flowlet_choice_q[flowlet] = PortBits'(heddle_pkg::below(random_q, 32'(count)));
    end
    flowlet_used_q[flowlet] = 1'b1;
    flowlet_last_q[flowlet] = now_i;
    drawn = {1'b0, flowlet_choice_q[flowlet]} % count;
  endtask

  // The lowest grade; among equals each with the same probability.
  task draw_by_grade;
    best_grade = 8'hff;
    for (int unsigned p = 0; p < Ports; p++) begin
      if (candidates[p] && grade_q[p] < best_grade) best_grade = grade_q[p];
    end
    best_count = '0;
    for (int unsigned p = 0; p < Ports; p++) begin
      best[p] = candidates[p] && grade_q[p] == best_grade;
      best_count = best_count + (PortBits+1)'(best[p]);
    end
    if (best_count != (PortBits+1)'(1)) begin
      random_q = heddle_pkg::lfsr_next(random_q);
      drawn = (PortBits+1)'(heddle_pkg::below(random_q, 32'(best_count)));
    end
  endtask

  // In turn, in an order that each round draws afresh, or at random. The turn passes by ports that
  // may not be used; within two rounds it comes to one that may.
  task draw_by_turn;
    if (cfg_spray_random_i) begin
      spray_q[group_number] = heddle_pkg::lfsr_next(spray_q[group_number]);
      drawn = (PortBits+1)'(heddle_pkg::below(spray_q[group_number], 32'(count)));
    end else begin
      found = 1'b0;
      for (int unsigned i = 0; i < 2 * Ports; i++) begin
        if (!found) begin
          if (position_q[group_number] == cfg_group_ports_i[(PortBits+1)*group_number +: PortBits+1])
            shuffle();
          to_port = first + order_q[Ports*group_number + 32'(position_q[group_number])];
          position_q[group_number] = position_q[group_number] + (PortBits+1)'(1);
          found = candidates[to_port];
        end
      end
      best = Ports'(1) << to_port;
    end
  endtask

  task shuffle;
    for (int unsigned i = Ports; i > 1; i--) begin
      if (i <= 32'(cfg_group_ports_i[(PortBits+1)*group_number +: PortBits+1])) begin
        spray_q[group_number] = heddle_pkg::lfsr_next(spray_q[group_number]);
        place = (PortBits+1)'(heddle_pkg::below(spray_q[group_number], i));
        swapped = order_q[Ports*group_number + (i - 1)];
        order_q[Ports*group_number + (i - 1)] = order_q[Ports*group_number + 32'(place)];
        order_q[Ports*group_number + 32'(place)] = swapped;
      end
    end
    position_q[group_number] = '0;
  endtask

  task mark_congestion;
    depth = 64'(queue_cells_q[pair(to_port, frame.traffic_class[ClassBits-1:0])]) *
            64'(cfg_cell_bytes_i);
    if (frame.kind == heddle_pkg::KindPacket && !frame.flags[heddle_pkg::FlagCongestion] &&
        depth > cfg_kmin_bytes_i) begin
      marking_q = heddle_pkg::lfsr_next(marking_q);
      marked = heddle_pkg::mark(cfg_kmin_bytes_i, cfg_kmax_bytes_i, cfg_mark_slope_i, depth,
                                marking_q);
      if (marked) frame.flags = frame.flags | 8'd1 << heddle_pkg::FlagCongestion;
    end
  endtask

  // A packet of a lossy class that finds no room may leave its payload behind and go on as one of
  // the highest class.
  task store(input logic [PortBits-1:0] port);
    of_class = frame.traffic_class[ClassBits-1:0];
    admit(port);
    if (admission > AdmitHeadroom && cfg_trimming_i && !cfg_lossless_i[of_class] &&
        frame.kind == heddle_pkg::KindPacket && !frame.flags[heddle_pkg::FlagTrimmed]) begin
      trimmed = 1'b1;
      frame.flags = frame.flags | 8'd1 << heddle_pkg::FlagTrimmed;
      frame.wire_bytes = frame.wire_bytes - frame.payload_bytes;
      frame.payload_bytes = '0;
      frame.traffic_class = {4'd0, cfg_classes_i} - 8'd1;
      admit(port);
    end
  endtask

  // Against one threshold: lossless classes at ingress, others at egress. Nobody pauses the sender
  // of what was trimmed on the way.
  task admit(input logic [PortBits-1:0] port);
    of_class = frame.traffic_class[ClassBits-1:0];
    group = pair(port, of_class);
    queue = pair(to_port, of_class);
    cells = (heddle_pkg::stored_bytes(frame.wire_bytes) + 32'(cfg_cell_bytes_i) - 32'd1) /
            32'(cfg_cell_bytes_i);
    free = cfg_shared_cells_i - shared_used_q;
    is_lossless = cfg_lossless_i[of_class] && !frame.flags[heddle_pkg::FlagTrimmed];
    alpha = is_lossless ? cfg_alpha_lossless_i : cfg_alpha_lossy_i;
    threshold = (64'(alpha) * 64'(free)) >> 16;
    if (is_lossless && cfg_xoff_i) threshold = 64'(cfg_xoff_cells_i);
    held = is_lossless ? shared_q[group] : queue_cells_q[queue];
    level = 64'(held) + 64'(cells);
    if (cells <= free && level <= threshold) begin
      admission = AdmitShared;
      shared_q[group] = shared_q[group] + cells;
      shared_used_q = shared_used_q + cells;
      queue_cells_q[queue] = queue_cells_q[queue] + cells;
    end else if (!is_lossless) begin
      admission = cells > free ? DropPool : DropThreshold;
    end else begin
      if (!xoff_q[group]) changed_q[group] = !changed_q[group];
      xoff_q[group] = 1'b1;
      admission = DropHeadroom;
      if (64'(headroom_q[group]) + 64'(cells) <= 64'(cfg_headroom_cells_i[32*group +: 32])) begin
        admission = AdmitHeadroom;
        headroom_q[group] = headroom_q[group] + cells;
        headroom_used_q = headroom_used_q + cells;
        queue_cells_q[queue] = queue_cells_q[queue] + cells;
      end
    end
  endtask

  // Into the queue that `admit` has named.
  task push(input logic [PortBits-1:0] port);
    if (free_count_q == '0 && fresh_q == (SlotBits+1)'(Packets)) begin
      full_o[0] = 1'b1;
    end else begin
      if (free_count_q == '0) begin
        slot = fresh_q[SlotBits-1:0];
        fresh_q = fresh_q + (SlotBits+1)'(1);
      end else begin
        slot = free_q;
        free_q = next_q[slot];
        free_count_q = free_count_q - (SlotBits+1)'(1);
      end
      frame_q[slot] = frame;
      input_q[slot] = port;
      cells_q[slot] = cells[15:0];
      if (length_q[queue] == '0) head_q[queue] = slot;
      else next_q[tail_q[queue]] = slot;
      tail_q[queue] = slot;
      length_q[queue] = length_q[queue] + (SlotBits+1)'(1);
      backlog_q[to_port][of_class] = 1'b1;
      queued_bytes_q[to_port] = queued_bytes_q[to_port] + 40'(frame.wire_bytes);
      grade(to_port);
    end
  endtask

  // Load of a port as routing sees it: the queue in steps.
  task grade(input logic [PortBits-1:0] port);
    steps = queued_bytes_q[port] / 40'(cfg_grade_bytes_i);
    grade_q[port] = steps < 40'(cfg_grades_i) ? steps[7:0] : cfg_grades_i - 8'd1;
  endtask

  task announce_pauses;
    for (int unsigned p = 0; p < Ports; p++) begin
      for (int unsigned c = 0; c < Classes; c++) begin
        if (changed_q[pair(PortBits'(p), ClassBits'(c))]) push_pause(PortBits'(p), ClassBits'(c), xoff_q[pair(PortBits'(p), ClassBits'(c))]);
      end
    end
    changed_q = '0;
  endtask

  task push_pause(input logic [PortBits-1:0] port, input logic [ClassBits-1:0] number, input logic off);
    if (pause_count_q[port] == (PauseBits+1)'(PauseFrames)) begin
      full_o[1] = 1'b1;
    end else begin
      pause_q[PauseFrames*port + 32'(PauseBits'(pause_head_q[port] +
              pause_count_q[port][PauseBits-1:0]))] = {off, number};
      pause_count_q[port] = pause_count_q[port] + (PauseBits+1)'(1);
    end
    pauses_made_o = pauses_made_o + 32'd1;
    told_q[pair(port, number)] = off;
  endtask

  // --- 2. send ----------------------------------------------------------------------------------

  // A release may end a pause of a port that has been served already; hence the second round.
  task send;
    out_sop_o = '0;
    for (int unsigned p = 0; p < Ports; p++) begin
      rate = BusyBits'(cfg_rate_bytes_i[32*p +: 32]);
      busy_q[p] = ready(busy_q[p]) ? -rate : busy_q[p] - rate;
    end
    for (int unsigned p = 0; p < Ports; p++) begin
      if (ready(busy_q[p])) serve(PortBits'(p));
    end
    for (int unsigned p = 0; p < Ports; p++) begin
      if (!out_sop_o[p] && ready(busy_q[p]) && pause_count_q[p] != '0) start_pause(PortBits'(p));
    end
    for (int unsigned p = 0; p < Ports; p++) begin
      rate = BusyBits'(cfg_rate_bytes_i[32*p +: 32]);
      out_valid_o[p] = out_sop_o[p] || !ready(busy_q[p]);  // what starts takes a cycle at least
      out_eop_o[p] = out_valid_o[p] && busy_q[p] <= rate;
    end
  endtask

  task serve(input logic [PortBits-1:0] port);
    if (leaving_q[port]) let_go(port);
    eligible = backlog_q[port] & ~paused_q[port];
    if (pause_count_q[port] != '0) start_pause(port);
    else if (eligible != '0) start(port);
  endtask

  // The last byte has left: the cells are free. The group's headroom empties first.
  task let_go(input logic [PortBits-1:0] port);
    leaving_q[port] = 1'b0;
    released_o[port] = 1'b1;
    queued_bytes_q[port] =
        queued_bytes_q[port] - 40'(out_bytes_q[port]);
    grade(port);
    of_class = out_class_q[port];
    group = pair(out_input_q[port], of_class);
    queue = pair(port, of_class);
    cells = 32'(out_cells_q[port]);
    // What is given back has been taken.
    assert (cells <= shared_q[group] + headroom_q[group] && cells <= queue_cells_q[queue]);
    drained = cells < headroom_q[group] ? cells : headroom_q[group];
    headroom_q[group] = headroom_q[group] - drained;
    headroom_used_q = headroom_used_q - drained;
    shared_q[group] = shared_q[group] - (cells - drained);
    shared_used_q = shared_used_q - (cells - drained);
    queue_cells_q[queue] = queue_cells_q[queue] - cells;
    if (xoff_q != '0) begin
      end_pauses();
      announce_pauses();
    end
  endtask

  // A group may go on when its headroom is empty and its cells are far enough below the threshold,
  // or gone.
  task end_pauses;
    free = cfg_shared_cells_i - shared_used_q;
    for (int unsigned g = 0; g < Queues; g++) begin
      level = 64'(shared_q[g]) + 64'(cfg_xon_offset_cells_i);
      found = cfg_xoff_i ? level <= 64'(cfg_xoff_cells_i) && free != '0
                         : level << 16 <= 64'(free) * 64'(cfg_alpha_lossless_i);
      if (xoff_q[g] && headroom_q[g] == '0 && (shared_q[g] == '0 || found)) begin
        xoff_q[g] = 1'b0;
        changed_q[g] = !changed_q[g];
      end
    end
  endtask

  task start_pause(input logic [PortBits-1:0] port);
    {found, of_class} = pause_q[PauseFrames*port + 32'(pause_head_q[port])];
    pause_head_q[port] = pause_head_q[port] + PauseBits'(1);
    pause_count_q[port] = pause_count_q[port] - (PauseBits+1)'(1);
    frame = heddle_pkg::pause_frame(8'(of_class), found);
    put_on_link(port);
  endtask

  task start(input logic [PortBits-1:0] port);
    pick_class(port);
    queue = pair(port, of_class);
    slot = head_q[queue];
    frame = frame_q[slot];
    leaving_q[port] = 1'b1;
    out_bytes_q[port] = frame.wire_bytes;
    out_cells_q[port] = cells_q[slot];
    out_input_q[port] = input_q[slot];
    out_class_q[port] = of_class;
    head_q[queue] = next_q[slot];
    length_q[queue] = length_q[queue] - (SlotBits+1)'(1);
    if (length_q[queue] == '0) backlog_q[port][of_class] = 1'b0;
    next_q[slot] = free_q;
    free_q = slot;
    free_count_q = free_count_q + (SlotBits+1)'(1);
    put_on_link(port);
  endtask

  // Strict classes first, the higher number first; then deficit round robin. A class that is alone
  // needs no deficit, and whoever competes with it later begins a new round.
  task pick_class(input logic [PortBits-1:0] port);
    found = 1'b0;
    for (int unsigned c = 0; c < Classes; c++) begin
      if (eligible[c] && (!found || cfg_strict_i[c])) begin
        found = cfg_strict_i[c];
        of_class = ClassBits'(c);
      end
    end
    if (!found && several(eligible)) begin
      pick_by_deficit(port);
    end else if (!found) begin
      for (int unsigned c = 0; c < Classes; c++) deficit_q[pair(port, ClassBits'(c))] = '0;
    end
  endtask

  // A quantum is at least the longest packet, so the next class in turn is served at the latest.
  task pick_by_deficit(input logic [PortBits-1:0] port);
    of_class = current_q[port];
    for (int unsigned i = 0; i <= Classes; i++) begin
      if (!found) begin
        queue = pair(port, of_class);
        frame = frame_q[head_q[queue]];
        length = 32'(frame.wire_bytes);
        if (!eligible[of_class]) begin
          deficit_q[queue] = '0;
        end else if (deficit_q[queue] >= length) begin
          deficit_q[queue] = deficit_q[queue] - length;
          found = 1'b1;
        end
      end
      if (!found) begin
        of_class = 4'(of_class) == cfg_classes_i - 4'd1 ? '0 : of_class + ClassBits'(1);
        queue = pair(port, of_class);
        if (eligible[of_class]) begin
          deficit_q[queue] = deficit_q[queue] + cfg_quantum_bytes_i[32*of_class +: 32];
        end
      end
    end
    current_q[port] = of_class;
    // Somebody is served.
    assert (found);
  endtask

  // What the link has left of the cycle in which the frame before ended is this frame's.
  task put_on_link(input logic [PortBits-1:0] port);
    // Nothing starts on a busy link.
    assert (ready(busy_q[port]) && !out_sop_o[port]);
    rate = BusyBits'(cfg_rate_bytes_i[32*port +: 32]);
    busy_q[port] =
        (busy_q[port] > -rate ? busy_q[port] : BusyBits'(0)) +
        BusyBits'(frame.wire_bytes) * BusyBits'(cfg_rate_cycles_i[32*port +: 32]);
    out_sop_o[port] = 1'b1;
    out_frame_o[192*port +: 192] = frame;
  endtask

  // --- reset ------------------------------------------------------------------------------------

  task clear;
    fresh_q = '0;
    free_count_q = '0;
    free_q = '0;
    shared_used_q = '0;
    headroom_used_q = '0;
    xoff_q = '0;
    changed_q = '0;
    random_q = cfg_random_i;
    marking_q = cfg_marking_i;
    flowlet_used_q = '0;
    leaving_q = '0;
    told_q = '0;
    full_o = '0;
    pauses_made_o = '0;
    out_valid_o = '0;
    out_sop_o = '0;
    out_eop_o = '0;
    out_frame_o = '0;
    taken_admission_o = '0;
    taken_port_o = '0;
    taken_marked_o = '0;
    taken_trimmed_o = '0;
    for (int unsigned q = 0; q < Queues; q++) begin
      head_q[q] = '0;
      tail_q[q] = '0;
      length_q[q] = '0;
      shared_q[q] = '0;
      headroom_q[q] = '0;
      queue_cells_q[q] = '0;
      deficit_q[q] = '0;
    end
    for (int unsigned p = 0; p < Ports; p++) begin
      spray_q[p] = cfg_spray_i[64*p +: 64];
      position_q[p] = cfg_group_ports_i[(PortBits+1)*p +: PortBits+1];
      for (int unsigned i = 0; i < Ports; i++) order_q[Ports*p + i] = PortBits'(i);
      grade_q[p] = '0;
      rate = BusyBits'(cfg_rate_bytes_i[32*p +: 32]);
      busy_q[p] = -rate;
      queued_bytes_q[p] = '0;
      backlog_q[p] = '0;
      paused_q[p] = '0;
      out_bytes_q[p] = '0;
      out_cells_q[p] = '0;
      out_input_q[p] = '0;
      out_class_q[p] = '0;
      current_q[p] = '0;
      pause_head_q[p] = '0;
      pause_count_q[p] = '0;
    end
  endtask

  // --- properties -------------------------------------------------------------------------------

  // Of the state behind each edge.
  task check;
    sum_shared = '0;
    sum_headroom = '0;
    sum_queues = '0;
    sum_packets = '0;
    for (int unsigned q = 0; q < Queues; q++) begin
      sum_shared = sum_shared + shared_q[q];
      sum_headroom = sum_headroom + headroom_q[q];
      sum_queues = sum_queues + queue_cells_q[q];
      sum_packets = sum_packets + 32'(length_q[q]);
      // No group exceeds its headroom,
      assert (headroom_q[q] <= cfg_headroom_cells_i[32*q +: 32]);
      // and none uses it before its sender is to pause.
      assert (headroom_q[q] == '0 || xoff_q[q]);
    end
    // The pool is never overdrawn.
    p_pool: assert (shared_used_q <= cfg_shared_cells_i);
    // Groups, queues and totals agree.
    p_groups: assert (sum_shared == shared_used_q && sum_headroom == headroom_used_q);
    p_queues: assert (sum_queues == shared_used_q + headroom_used_q);
    // Every slot that has been used holds a packet of one queue, or is free.
    p_slots: assert (32'(fresh_q) == sum_packets + 32'(free_count_q));
    // Each sender has been told whether it is to pause.
    p_told: assert (more_i || told_q == xoff_q);
    for (int unsigned p = 0; p < Ports; p++) begin
      // No packet of a class starts that the peer has stopped.
      assert (more_i || !out_sop_o[p] || out_frame_o[192*p +: 8] == heddle_pkg::KindPause ||
              !paused_q[p][out_class_q[p]]);
      // A class is in the backlog while its queue holds something.
      for (int unsigned c = 0; c < Classes; c++) begin
        assert (backlog_q[p][c] == (length_q[Classes*p+c] != '0));
      end
    end
  endtask

  // --- what others may read ---------------------------------------------------------------------

  assign free_cells_o = cfg_shared_cells_i - shared_used_q;
  assign headroom_used_o = headroom_used_q;
  assign xoff_o = xoff_q;

  always_comb begin
    idle_o = changed_q == '0 && leaving_q == '0;
    held_o = 32'(fresh_q) - 32'(free_count_q);
    for (int unsigned p = 0; p < Ports; p++) begin
      idle_o = idle_o && pause_count_q[p] == '0 &&
               busy_q[p] + BusyBits'(cfg_rate_bytes_i[32*p +: 32]) == '0;
      held_o = held_o + 32'(pause_count_q[p]);
      paused_o[Classes*p +: Classes] = paused_q[p];
      queued_bytes_o[40*p +: 40] = queued_bytes_q[p];
      grades_o[8*p +: 8] = grade_q[p];
      for (int unsigned c = 0; c < Classes; c++) begin
        queue_cells_o[32*(Classes*p+c) +: 32] = queue_cells_q[Classes*p+c];
        group_cells_o[32*(Classes*p+c) +: 32] = shared_q[Classes*p+c] + headroom_q[Classes*p+c];
        queued_packets_o[32*(Classes*p+c) +: 32] = 32'(length_q[Classes*p+c]);
      end
    end
  end

endmodule
