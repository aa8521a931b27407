// Twin of models/switches/scheduled_leaf.h, external memory excepted.
//
// A leaf of the scheduled fabric. Ports 0 .. HostPorts-1 lead to hosts; then come FabricLinks to the
// fabric, and Loopbacks inside the leaf for traffic between its own hosts. Ingress half: packets of
// the hosts wait in virtual output queues (VOQs) for credits of their egress port, are cut into
// cells and sprayed over the fabric. Egress half: grants those credits, puts cells back in order and
// packets on the host links.
//
// On a fabric port a cell is its header beat and, beside it, the headers of the packets that end in
// it, in order: at most Ends. Their payload bytes are counted, not carried.
//
// A cycle is the sequence of steps at the end of the always_ff: each sees the effect of those
// before, and within a step the lower port comes first. Output pins are registers and belong to the
// cycle of the edge. Cycles may be left out while idle_o, up to wake_o and without inputs.
//
// Memories are bounds where the model has none; that none overflows is asserted.
module scheduled_leaf #(
    parameter int unsigned HostPorts     = 4,
    parameter int unsigned Leaves        = 4,    // in the fabric
    parameter int unsigned FabricLinks   = 4,
    parameter int unsigned Loopbacks     = 4,
    parameter int unsigned Classes       = 4,    // at most 8
    parameter int unsigned CellsPerCycle = 4,
    parameter int unsigned Ends          = 5,    // packets that may end in one cell
    parameter int unsigned VoqPackets    = 1024, // in VOQs and in cells that wait for a link
    parameter int unsigned EgressPackets = 1024, // from their last cell until they have left
    parameter int unsigned CellSlots     = 256,  // cells that wait for fabric links
    parameter int unsigned ControlSlots  = 4096, // control frames that wait for one fabric link
    parameter int unsigned PauseSlots    = 1024, // pause frames that wait for one host link
    parameter int unsigned Window        = 4096, // how far a cell may be ahead; a square of 2^n
    parameter int unsigned Losses        = 64,   // packets whose loss can be told in one cycle
    localparam int unsigned FabricPorts  = FabricLinks + Loopbacks,
    localparam int unsigned Ports        = HostPorts + FabricPorts,
    localparam int unsigned Destinations = Leaves * HostPorts,
    localparam int unsigned Voqs         = Classes * Destinations,
    localparam int unsigned Groups       = HostPorts * Classes
) (
    input  logic                        clk_i,
    input  logic                        rst_ni,
    input  logic [63:0]                 now_i,
    // Where the leaf stands: LeafPlace. What it has fewer of than the parameters say are the lowest.
    input  logic [15:0]                 cfg_leaf_i,
    input  logic [15:0]                 cfg_leaves_i,
    input  logic [15:0]                 cfg_hosts_i,
    input  logic [15:0]                 cfg_fabric_links_i,
    input  logic [15:0]                 cfg_loopbacks_i,
    input  logic [31:0]                 cfg_outstanding_credits_i,
    input  logic [63:0]                 cfg_owed_bytes_i,          // signed
    input  logic [31:0]                 cfg_largest_packet_bytes_i,
    // Traffic classes.
    input  logic [3:0]                  cfg_class_count_i,
    input  logic [Classes-1:0]          cfg_strict_i,
    input  logic [Classes-1:0]          cfg_lossless_i,
    input  logic [8*Classes-1:0]        cfg_weight_i,
    // The memory of the VOQs: SharedBuffer. Alphas in units of 2^-16.
    input  logic [31:0]                 cfg_buffer_cell_i,
    input  logic [31:0]                 cfg_shared_cells_i,
    input  logic [31:0]                 cfg_headroom_cells_i,      // of each lossless group
    input  logic [31:0]                 cfg_alpha_lossless_i,
    input  logic [31:0]                 cfg_alpha_lossy_i,
    input  logic [31:0]                 cfg_xon_offset_cells_i,
    // ScheduledConfig. Times in cycles.
    input  logic [31:0]                 cfg_credit_i,
    input  logic [79:0]                 cfg_credit_interval_i,     // cycles between two credits,
    input  logic [79:0]                 cfg_credit_unit_i,         // divided by this
    input  logic [15:0]                 cfg_credit_slices_i,       // at most Leaves
    input  logic [63:0]                 cfg_credit_watchdog_i,
    input  logic [63:0]                 cfg_egress_threshold_i,
    input  logic [63:0]                 cfg_egress_buffer_i,
    input  logic                        cfg_packed_i,
    input  logic [15:0]                 cfg_cell_payload_i,
    input  logic [15:0]                 cfg_cell_header_i,
    input  logic                        cfg_spray_random_i,
    input  logic [63:0]                 cfg_spray_state_i,         // of the shift register, not 0
    input  logic [15:0]                 cfg_cells_per_cycle_i,
    input  logic [31:0]                 cfg_staging_limit_i,       // cells
    input  logic                        cfg_healing_i,             // links may fail
    input  logic [63:0]                 cfg_reachability_period_i,
    input  logic [63:0]                 cfg_reachability_watchdog_i,
    input  logic [63:0]                 cfg_reassembly_timeout_i,
    input  logic [32*Ports-1:0]         cfg_rate_bytes_i,          // of the links, per rate_cycles
    input  logic [32*Ports-1:0]         cfg_rate_cycles_i,
    // Events. A link's rate changes: so many bytes x rate_cycles are then still to be sent.
    input  logic [Ports-1:0]            set_rate_i,
    input  logic [64*Ports-1:0]         set_rate_busy_i,
    input  logic [Ports-1:0]            input_failed_i,            // its peer's pauses are void
    input  logic [Ports-1:0]            output_restored_i,         // hosts: told again of pauses
    // What arrives. Of a packet that ends in a cell: header, and bytes that its VOQ has sent.
    input  logic [Ports-1:0]            in_valid_i,
    input  logic [192*Ports-1:0]        in_frame_i,
    input  logic [4*FabricPorts-1:0]    in_ends_i,                 // how many
    input  logic [192*Ends*FabricPorts-1:0] in_end_frame_i,
    input  logic [64*Ends*FabricPorts-1:0]  in_end_sent_i,
    input  logic [Ports-1:0]            local_valid_i,
    input  logic [192*Ports-1:0]        local_frame_i,
    // The links: sop when a frame starts, valid while it occupies the link, eop at its end.
    output logic [Ports-1:0]            out_valid_o,
    output logic [Ports-1:0]            out_sop_o,
    output logic [Ports-1:0]            out_eop_o,
    output logic [192*Ports-1:0]        out_frame_o,
    output logic [32*Ports-1:0]         out_paused_o,  // cycles its class was stopped as it waited
    output logic [64*HostPorts-1:0]     out_complete_since_o,      // its last cell was in order
    output logic [4*FabricPorts-1:0]    out_ends_o,
    output logic [192*Ends*FabricPorts-1:0] out_end_frame_o,
    output logic [64*Ends*FabricPorts-1:0]  out_end_sent_o,
    output logic [64*Ends*FabricPorts-1:0]  out_end_head_since_o,  // first of its VOQ
    output logic [64*Ends*FabricPorts-1:0]  out_end_credited_since_o,
    // Nothing happens before this cycle without a new input.
    output logic                        idle_o,
    output logic [63:0]                 wake_o,
    // What happened in this cycle. Admission: enum Admission of a packet that came in.
    output logic [3*HostPorts-1:0]      admission_o,
    output logic [FabricPorts-1:0]      late_o,        // a cell that had been given up, with its ends
    output logic [15:0]                 losses_o,      // packets lost beside those
    output logic [32*Losses-1:0]        loss_packet_o,
    output logic [Losses-1:0]           loss_incomplete_o,         // cells were missing; 0: no link
    // Counted since reset.
    output logic [63:0]                 created_o,
    output logic [63:0]                 consumed_o,
    output logic [63:0]                 credits_granted_o,
    // State. Peaks are those within this cycle.
    output logic [31:0]                 held_o,        // frames
    output logic [63:0]                 ingress_bytes_o,
    output logic [63:0]                 ingress_peak_o,
    output logic [63:0]                 egress_bytes_o,
    output logic [63:0]                 egress_peak_o,
    output logic [63:0]                 reassembly_bytes_o,
    output logic [63:0]                 reassembly_peak_o,
    output logic [64*Ports-1:0]         queued_bytes_o,
    output logic [64*Ports-1:0]         queued_peak_o,
    output logic [31:0]                 free_cells_o,
    output logic [31:0]                 used_cells_o,
    output logic [31:0]                 staged_cells_o,
    output logic [Groups-1:0]           xoff_o,
    output logic [Groups-1:0]           host_paused_o,
    output logic [FabricPorts-1:0]      fabric_paused_o,
    output logic [64*HostPorts-1:0]     owed_bytes_o,
    output logic [32*HostPorts-1:0]     wanted_credits_o,
    output logic [63:0]                 pieces_bytes_o,            // at egress, of packets not whole
    output logic [FabricLinks-1:0]      link_heard_o,
    output logic [FabricLinks-1:0]      link_used_o,
    output logic [63:0]                 links_changed_at_o,
    // A window to the rest, without a clock: one VOQ, (class * Leaves + leaf) * HostPorts + port, and
    // one fabric port. Of the VOQ's numbers also: what port `port` of this leaf was asked by and has
    // granted to leaf `leaf`, cells of that leaf that wait for an earlier one, and what came in by
    // `port` in `class` and goes out there.
    input  logic [15:0]                 probe_voq_i,
    input  logic [7:0]                  probe_fabric_port_i,
    output logic [63:0]                 probe_enqueued_bytes_o,
    output logic [63:0]                 probe_queued_bytes_o,
    output logic [63:0]                 probe_balance_bytes_o,
    output logic [31:0]                 probe_packets_o,
    output logic [31:0]                 probe_requested_o,
    output logic [31:0]                 probe_granted_o,
    output logic [31:0]                 probe_port_requested_o,
    output logic [31:0]                 probe_port_granted_o,
    output logic [31:0]                 probe_expected_cell_o,
    output logic [31:0]                 probe_waiting_cells_o,
    output logic [31:0]                 probe_group_cells_o,
    output logic [31:0]                 probe_host_frames_o,
    output logic [31:0]                 probe_fabric_cells_o,
    output logic [31:0]                 probe_fabric_control_o
);
  localparam int unsigned WindowSide = 1 << ($clog2(Window) / 2);
  localparam int unsigned Schedulers = 1 + 2 * HostPorts;  // VOQs; credits, frames of a host port
  localparam logic [63:0] Never = '1;
  localparam logic [31:0] NoLink = '1;

  // --- state: ingress half ----------------------------------------------------------------------

  // Packets: lists through next_q; those never used yet are fresh, those given back a list.
  logic [191:0] voq_frame_q [VoqPackets];
  logic [63:0]  voq_sent_q [VoqPackets];
  logic [63:0]  voq_head_since_q [VoqPackets];
  logic [63:0]  voq_credited_since_q [VoqPackets];
  logic [31:0]  voq_next_q [VoqPackets];
  logic [31:0]  voq_free_q, voq_free_slots_q, voq_fresh_q, voq_used_q;
  // VOQs.
  logic [31:0]  first_q [Voqs];
  logic [31:0]  last_q [Voqs];
  logic [31:0]  packets_q [Voqs];
  logic [63:0]  enqueued_q [Voqs];
  logic [63:0]  queued_q [Voqs];
  logic signed [63:0] balance_q [Voqs];
  logic [31:0]  requested_q [Voqs];
  logic [31:0]  granted_q [Voqs];
  logic [63:0]  head_since_q [Voqs];
  logic [63:0]  credited_since_q [Voqs];
  logic [63:0]  last_news_q [Voqs];
  logic [63:0]  sent_q [Voqs];
  logic [Destinations-1:0] sendable_q [Classes];
  logic [31:0]  voq_pointer_q [Classes];
  logic [31:0]  in_voqs_q;
  logic         watching_q;
  logic [63:0]  watch_from_q;
  // Shared buffer.
  logic [31:0]  group_shared_q [Groups];
  logic [31:0]  group_headroom_q [Groups];
  logic [31:0]  queue_cells_q [Voqs];
  logic [Groups-1:0] xoff_q, xoff_changed_q;
  logic [31:0]  shared_used_q, headroom_used_q;
  // Segmenter.
  logic [31:0]  cut_voq_q, cut_slot_q, cut_group_q;
  logic [15:0]  cut_stored_q, cut_left_q;
  logic signed [31:0] burst_q;
  // Spray.
  logic [63:0]  lfsr_q;
  logic [31:0]  order_q [FabricLinks];
  logic [31:0]  position_q, next_control_q, next_loopback_q;
  logic [31:0]  next_cell_q [Leaves];
  // Cells that wait for fabric links.
  logic [31:0]  cell_leaf_q [CellSlots];
  logic [31:0]  cell_sequence_q [CellSlots];
  logic [15:0]  cell_flow_q [CellSlots];
  logic [15:0]  cell_payload_q [CellSlots];
  logic [31:0]  cell_first_q [CellSlots];
  logic [3:0]   cell_ends_q [CellSlots];
  logic [31:0]  cell_pause_clock_q [CellSlots];
  logic [31:0]  cell_next_q [CellSlots];
  logic [31:0]  cell_free_q, cell_free_slots_q, cell_fresh_q, staged_q;
  logic [31:0]  cells_first_q [FabricPorts];
  logic [31:0]  cells_last_q [FabricPorts];
  logic [31:0]  cells_q [FabricPorts];
  // Control frames: kind, flags, destination, flow, count.
  logic [95:0]  control_q [FabricPorts*ControlSlots];
  logic [31:0]  controls_first_q [FabricPorts];
  logic [31:0]  controls_q [FabricPorts];
  logic [FabricPorts-1:0] stopped_q;
  logic [63:0]  stopped_since_q [FabricPorts];
  logic [63:0]  stopped_cycles_q [FabricPorts];

  // --- state: egress half -----------------------------------------------------------------------

  logic [191:0] egress_frame_q [EgressPackets];
  logic [63:0]  egress_sent_q [EgressPackets];
  logic [63:0]  egress_since_q [EgressPackets];
  logic [31:0]  egress_pause_clock_q [EgressPackets];
  logic [31:0]  egress_next_q [EgressPackets];
  logic [31:0]  egress_free_q, egress_free_slots_q, egress_fresh_q, egress_used_q;
  // Credits: index (port * Classes + class) * Leaves + leaf.
  logic [31:0]  asked_q [Groups*Leaves];
  logic [31:0]  given_q [Groups*Leaves];
  logic [Leaves-1:0] waiting_q [Groups];
  logic [Classes-1:0] waiting_classes_q [HostPorts];
  logic [Leaves-1:0] slice_q [Leaves];       // which leaves belong to a slice
  logic [31:0]  slice_pointer_q [Groups];
  logic [31:0]  leaf_pointer_q [Groups*Leaves];
  logic [31:0]  wanted_q [HostPorts];
  logic signed [63:0] owed_q [HostPorts];
  logic signed [81:0] credit_ahead_q [HostPorts];
  // Cells that wait for an earlier one: index leaf * Window + sequence % Window.
  logic         slot_valid_q [Leaves*Window];
  logic [31:0]  slot_sequence_q [Leaves*Window];
  logic [15:0]  slot_payload_q [Leaves*Window];
  logic [15:0]  slot_flow_q [Leaves*Window];
  logic [31:0]  slot_first_q [Leaves*Window];
  logic [3:0]   slot_ends_q [Leaves*Window];
  logic [63:0]  slot_since_q [Leaves*Window];
  logic [31:0]  expected_q [Leaves];
  logic [31:0]  waiting_cells_q [Leaves];
  logic [63:0]  waiting_bytes_q;
  // Egress queues.
  logic [31:0]  frames_first_q [Groups];
  logic [31:0]  frames_last_q [Groups];
  logic [31:0]  frames_q [Groups];
  logic [15:0]  leaving_q [HostPorts];       // bytes of the frame on the link
  logic [Groups-1:0] paused_q;
  logic [63:0]  paused_since_q [Groups];
  logic [63:0]  paused_cycles_q [Groups];
  logic [8:0]   pauses_q [HostPorts*PauseSlots];  // off, class
  logic [31:0]  pauses_first_q [HostPorts];
  logic [31:0]  pauses_waiting_q [HostPorts];

  // --- state: common ----------------------------------------------------------------------------

  logic signed [63:0] busy_q [Ports];        // of the link, in bytes * rate_cycles
  logic [63:0]  bytes_q [Ports];             // that wait; hosts: or are leaving
  logic [63:0]  peak_q [Ports];
  logic [63:0]  ingress_q, ingress_peak_q, egress_q, egress_peak_q, reassembly_q, reassembly_peak_q;
  logic [63:0]  created_q, consumed_q, credits_granted_q;
  // Class schedulers.
  logic [31:0]  turn_q [Schedulers];
  logic         saved_q [Schedulers];
  logic [39:0]  deficit_q [Schedulers*Classes];
  // Healing.
  logic [FabricLinks-1:0] heard_q, peer_hears_q;
  logic [63:0]  heard_at_q [FabricLinks];
  logic [63:0]  reaches_q [FabricLinks];     // a bit per leaf
  logic [31:0]  open_bytes_q [Leaves];
  logic [Leaves-1:0] damaged_q;
  logic [63:0]  settled_q [Voqs];
  logic [63:0]  latest_packet_q [HostPorts];
  logic         all_usable_q;
  logic [63:0]  changed_at_q, next_hello_q, next_expiry_q;

  // What steps hand each other within a cycle.
  heddle_pkg::frame_t frame, header;
  logic [31:0]  slot, link;
  logic [31:0]  chosen;
  logic [2:0]   admission;
  logic         found, going;
  logic [15:0]  filled, piece;
  logic [31:0]  chain_first, chain_last;
  logic [3:0]   chain_ends;
  logic [15:0]  losses;
  // What starts on the links and what is lost, on its way to the output pins.
  logic [191:0] start_frame [Ports];
  logic [31:0]  start_paused [Ports];
  logic [63:0]  start_complete_since [HostPorts];
  logic [3:0]   start_ends [FabricPorts];
  logic [31:0]  start_slot [FabricPorts*Ends];  // in the packet memory, free by now
  logic [2:0]   admissions [HostPorts];
  logic [31:0]  loss_packet [Losses];
  logic         loss_incomplete [Losses];

  // --- small things -----------------------------------------------------------------------------

  function automatic logic [31:0] stored(input logic [15:0] wire_bytes);
    stored = heddle_pkg::stored_bytes(wire_bytes);
  endfunction

  function automatic logic [31:0] voq_of(input logic [31:0] traffic_class, input logic [31:0] leaf,
                                         input logic [31:0] port);
    voq_of = (traffic_class * Leaves + leaf) * HostPorts + port;
  endfunction

  function automatic logic [31:0] flow_of(input logic [31:0] port, input logic [31:0] traffic_class);
    flow_of = port * {28'd0, cfg_class_count_i} + traffic_class;
  endfunction

  function automatic logic [31:0] leaf_of_host(input logic [15:0] host);
    leaf_of_host = {16'd0, host / cfg_hosts_i};
  endfunction

  function automatic logic [31:0] port_of_host(input logic [15:0] host);
    port_of_host = {16'd0, host % cfg_hosts_i};
  endfunction

  // Cycles that a class of a port has been stopped until now.
  function automatic logic [31:0] pause_clock(input logic off, input logic [63:0] since,
                                              input logic [63:0] cycles);
    logic [63:0] total;
    total = off ? cycles + now_i - since : cycles;
    pause_clock = total[31:0];
  endfunction

  task add_queued(input logic [31:0] port, input logic [15:0] wire_bytes);
    bytes_q[port] = bytes_q[port] + {48'd0, wire_bytes};
    if (bytes_q[port] > peak_q[port]) peak_q[port] = bytes_q[port];
  endtask

  // The record of a packet that is lost.
  task lose(input logic [31:0] packet, input logic incomplete);
    assert ({16'd0, losses} < Losses);
    loss_packet[{16'd0, losses}] = packet;
    loss_incomplete[{16'd0, losses}] = incomplete;
    losses = losses + 16'd1;
  endtask

  // Serves one class of `eligible`: strict ones first, then deficit round robin. A unit is
  // unit_bytes long or, for a host port, as long as the first frame of the class.
  task pick_class(input logic [31:0] scheduler, input logic [Classes-1:0] eligible,
                  input logic [31:0] quantum, input logic host, input logic [31:0] port);
    logic [Classes-1:0] strict;
    logic [31:0] turn;
    logic [39:0] need;
    strict = eligible & cfg_strict_i;
    turn = turn_q[scheduler];
    chosen = 0;
    if (strict != '0 || (eligible & (eligible - Classes'(1))) == '0) begin
      for (int unsigned c = 0; c < Classes; c++) begin
        if (strict != '0 ? strict[c] : eligible[c]) chosen = c;
      end
      if (strict == '0 && saved_q[scheduler]) begin  // alone: the round starts afresh
        for (int unsigned c = 0; c < Classes; c++) deficit_q[scheduler * Classes + c] = '0;
        saved_q[scheduler] = 1'b0;
      end
    end else begin
      saved_q[scheduler] = 1'b1;
      found = 1'b0;
      for (int unsigned n = 0; n <= Classes; n++) begin
        if (!found) begin
          if (eligible[turn]) begin
            if (host) header = egress_frame_q[frames_first_q[port * Classes + turn]];
            need = host ? {24'd0, header.wire_bytes} : {8'd0, quantum};
            if (deficit_q[scheduler * Classes + turn] >= need) begin
              deficit_q[scheduler * Classes + turn] = deficit_q[scheduler * Classes + turn] - need;
              chosen = turn;
              found = 1'b1;
            end
          end else begin
            deficit_q[scheduler * Classes + turn] = '0;
          end
          if (!found) begin
            turn = turn + 1 == {28'd0, cfg_class_count_i} ? 0 : turn + 1;
            if (eligible[turn]) begin
              deficit_q[scheduler * Classes + turn] = deficit_q[scheduler * Classes + turn] +
                  {8'd0, quantum} * {32'd0, cfg_weight_i[turn*8 +: 8]};
            end
          end
        end
      end
      turn_q[scheduler] = turn;
      // A round always finds a class.
      assert (found);
    end
    // Only a class that asks is served.
    assert (eligible[chosen]);
  endtask

  // --- packet memories --------------------------------------------------------------------------

  task take_voq_slot();
    assert (voq_used_q < VoqPackets);
    voq_used_q = voq_used_q + 1;
    if (voq_free_slots_q != 0) begin
      slot = voq_free_q;
      voq_free_q = voq_next_q[slot];
      voq_free_slots_q = voq_free_slots_q - 1;
    end else begin
      slot = voq_fresh_q;
      voq_fresh_q = voq_fresh_q + 1;
    end
  endtask

  task free_voq_slot(input logic [31:0] freed);
    voq_next_q[freed] = voq_free_q;
    voq_free_q = freed;
    voq_free_slots_q = voq_free_slots_q + 1;
    voq_used_q = voq_used_q - 1;
  endtask

  task take_egress_slot();
    assert (egress_used_q < EgressPackets);
    egress_used_q = egress_used_q + 1;
    if (egress_free_slots_q != 0) begin
      slot = egress_free_q;
      egress_free_q = egress_next_q[slot];
      egress_free_slots_q = egress_free_slots_q - 1;
    end else begin
      slot = egress_fresh_q;
      egress_fresh_q = egress_fresh_q + 1;
    end
  endtask

  task free_egress_slot(input logic [31:0] freed);
    egress_next_q[freed] = egress_free_q;
    egress_free_q = freed;
    egress_free_slots_q = egress_free_slots_q + 1;
    egress_used_q = egress_used_q - 1;
  endtask

  task take_cell_slot();
    assert (staged_q < CellSlots);
    if (cell_free_slots_q != 0) begin
      slot = cell_free_q;
      cell_free_q = cell_next_q[slot];
      cell_free_slots_q = cell_free_slots_q - 1;
    end else begin
      slot = cell_fresh_q;
      cell_fresh_q = cell_fresh_q + 1;
    end
  endtask

  // --- control frames ---------------------------------------------------------------------------

  task push_control(input logic [31:0] port, input logic [7:0] kind, input logic [7:0] flags,
                    input logic [31:0] leaf, input logic [31:0] flow, input logic [31:0] count);
    assert (controls_q[port] < ControlSlots);
    control_q[port * ControlSlots + (controls_first_q[port] + controls_q[port]) % ControlSlots] =
        {kind, flags, leaf[15:0], flow, count};
    controls_q[port] = controls_q[port] + 1;
    add_queued(HostPorts + port, cfg_cell_header_i);
    created_q = created_q + 1;
  endtask

  // In turn over the links, or inside the leaf.
  task send_control(input logic [31:0] leaf, input logic [7:0] kind, input logic again,
                    input logic [31:0] flow, input logic [31:0] count);
    if (leaf[15:0] == cfg_leaf_i) begin
      turn_loopback();
    end else begin
      link = next_control_q;
      next_control_q = next_control_q + 1 == {16'd0, cfg_fabric_links_i} ? 0 : next_control_q + 1;
      if (cfg_healing_i) pass_to_usable(link, leaf);
    end
    push_control(link, kind, again ? 8'd1 << heddle_pkg::FlagAgain : 8'd0, leaf, flow, count);
  endtask

  task turn_loopback();
    next_loopback_q = next_loopback_q + 1 == {16'd0, cfg_loopbacks_i} ? 0 : next_loopback_q + 1;
    link = FabricLinks + next_loopback_q;
  endtask

  // --- 1. from the fabric -----------------------------------------------------------------------

  task accept_fabric_frame(input logic [31:0] port);
    logic [31:0] of_port, of_class, index, voq;
    logic signed [31:0] more;
    of_port = frame.flow / {28'd0, cfg_class_count_i};
    of_class = frame.flow % {28'd0, cfg_class_count_i};
    if (frame.kind == heddle_pkg::KindCell) begin
      accept_cell(port);
    end else begin
      consumed_q = consumed_q + 1;
      if (frame.kind == heddle_pkg::KindVoqStatus) begin
        index = (of_port * Classes + of_class) * Leaves + {16'd0, frame.source};
        more = $signed(frame.sequence_number - asked_q[index]);  // counts wrap
        if (more > 0) begin
          asked_q[index] = frame.sequence_number;
          wanted_q[of_port] = wanted_q[of_port] + $unsigned(more);
          waiting_q[of_port * Classes + of_class][{16'd0, frame.source}] = 1'b1;
          waiting_classes_q[of_port][of_class] = 1'b1;
        end
        if (frame.flags[heddle_pkg::FlagAgain]) begin
          send_control({16'd0, frame.source}, heddle_pkg::KindCredit, 1'b0, frame.flow,
                       given_q[index]);
        end
      end else if (frame.kind == heddle_pkg::KindCredit) begin
        voq = voq_of(of_class, {16'd0, frame.source}, of_port);
        more = $signed(frame.sequence_number - granted_q[voq]);
        last_news_q[voq] = now_i;
        if (more > 0) begin  // else overtaken by a later one, or repeated
          granted_q[voq] = frame.sequence_number;
          if (balance_q[voq] <= 0) credited_since_q[voq] = now_i;
          balance_q[voq] = balance_q[voq] + 64'(more) * $signed({32'd0, cfg_credit_i});
          update_sendable(voq);
        end
        ask_for_credits(voq);
      end else begin
        assert (frame.kind == heddle_pkg::KindReachability);
        if (cfg_healing_i) heed_hello(port);
      end
    end
  endtask

  task stop_cells(input logic [31:0] port, input logic off);
    if (off != stopped_q[port]) begin
      if (off) stopped_since_q[port] = now_i;
      else stopped_cycles_q[port] = stopped_cycles_q[port] + now_i - stopped_since_q[port];
      stopped_q[port] = off;
    end
  endtask

  task accept_cell(input logic [31:0] port);
    logic [31:0] source, ahead, place;
    source = {16'd0, frame.source};
    ahead = frame.sequence_number - expected_q[source];
    if (cfg_healing_i && $signed(ahead) < 0) begin  // given up, and has come after all
      consumed_q = consumed_q + 1;
      late_o[port] = 1'b1;
    end else begin
      // A cell outside the reassembly window.
      assert (ahead < Window);
      store_ends(port);
      egress_q = egress_q + {48'd0, frame.payload_bytes};
      if (egress_q > egress_peak_q) egress_peak_q = egress_q;
      reassembly_q = reassembly_q + {48'd0, frame.payload_bytes};
      if (reassembly_q > reassembly_peak_q) reassembly_peak_q = reassembly_q;
      // The egress memory never overflows.
      assert (egress_q <= cfg_egress_buffer_i);
      place = source * Window + frame.sequence_number % Window;
      // No cell comes twice.
      assert (!slot_valid_q[place]);
      slot_valid_q[place] = 1'b1;
      slot_sequence_q[place] = frame.sequence_number;
      slot_payload_q[place] = frame.payload_bytes;
      slot_flow_q[place] = frame.flow[15:0];
      slot_first_q[place] = chain_first;
      slot_ends_q[place] = chain_ends;
      slot_since_q[place] = now_i;
      waiting_cells_q[source] = waiting_cells_q[source] + 1;
      waiting_bytes_q = waiting_bytes_q + {48'd0, frame.payload_bytes};
      if (ahead == 0) release_cells(source);
      if (cfg_healing_i && waiting_cells_q[source] != 0 && next_expiry_q == Never) begin
        next_expiry_q = now_i + cfg_reassembly_timeout_i;
      end
    end
  endtask

  // Writes the headers of the packets that end in the cell to memory: a list.
  task store_ends(input logic [31:0] port);
    chain_ends = in_ends_i[port*4 +: 4];
    for (int unsigned e = 0; e < Ends; e++) begin
      if (e < {28'd0, chain_ends}) begin
        take_egress_slot();
        egress_frame_q[slot] = in_end_frame_i[(port * Ends + e)*192 +: 192];
        egress_sent_q[slot] = in_end_sent_i[(port * Ends + e)*64 +: 64];
        if (e == 0) chain_first = slot;
        else egress_next_q[chain_last] = slot;
        chain_last = slot;
      end
    end
  endtask

  // The next cell, and those behind it: what waits for nothing any more.
  task release_cells(input logic [31:0] source);
    going = 1'b1;
    for (int unsigned a = 0; a < Window / WindowSide; a++) begin
      if (going) begin
        for (int unsigned b = 0; b < WindowSide; b++) begin
          if (going) begin
            going = slot_valid_q[source * Window + expected_q[source] % Window];
            if (going) take_next_cell(source);
          end
        end
      end
    end
  endtask

  // The next cell in order is there.
  task take_next_cell(input logic [31:0] source);
    logic [31:0] place;
    place = source * Window + expected_q[source] % Window;
    slot_valid_q[place] = 1'b0;
    waiting_cells_q[source] = waiting_cells_q[source] - 1;
    waiting_bytes_q = waiting_bytes_q - {48'd0, slot_payload_q[place]};
    chain_first = slot_first_q[place];
    chain_ends = slot_ends_q[place];
    expected_q[source] = expected_q[source] + 1;
    complete_packets(source, slot_sequence_q[place], slot_payload_q[place], slot_flow_q[place]);
  endtask

  // A cell is in order: the packets of the chain are whole, and join the egress queues.
  task complete_packets(input logic [31:0] source, input logic [31:0] sequence_number,
                        input logic [15:0] payload, input logic [15:0] flow);
    logic [31:0] end_slot, next_slot, of_port, group;
    logic signed [63:0] paid;
    logic first_is_lost;
    // Reassembly never emits out of order.
    assert (sequence_number + 1 == expected_q[source]);
    consumed_q = consumed_q + 1;
    first_is_lost = 1'b0;
    if (cfg_healing_i) join_partial(source, payload, flow, first_is_lost);
    end_slot = chain_first;
    for (int unsigned e = 0; e < Ends; e++) begin
      if (e < {28'd0, chain_ends}) begin
        next_slot = egress_next_q[end_slot];
        header = egress_frame_q[end_slot];
        of_port = port_of_host(header.destination);
        group = of_port * Classes + {24'd0, header.traffic_class};
        paid = $signed({32'd0, stored(header.wire_bytes)});
        if (cfg_healing_i) newly_sent(of_port, end_slot, paid);
        if (owed_q[of_port] - paid < 0 && cfg_healing_i) owed_q[of_port] = 0;
        else owed_q[of_port] = owed_q[of_port] - paid;
        if (e == 0 && first_is_lost) begin
          lose(header.packet, 1'b1);
          free_egress_slot(end_slot);
        end else begin
          if (cfg_healing_i) open_bytes_q[source] = open_bytes_q[source] - stored(header.wire_bytes);
          reassembly_q = reassembly_q - {32'd0, stored(header.wire_bytes)};
          created_q = created_q + 1;
          egress_since_q[end_slot] = now_i;
          egress_pause_clock_q[end_slot] =
              pause_clock(paused_q[group], paused_since_q[group], paused_cycles_q[group]);
          if (frames_q[group] == 0) frames_first_q[group] = end_slot;
          else egress_next_q[frames_last_q[group]] = end_slot;
          frames_last_q[group] = end_slot;
          frames_q[group] = frames_q[group] + 1;
          add_queued(of_port, header.wire_bytes);
        end
        end_slot = next_slot;
      end
    end
  endtask

  // --- 2. from hosts ----------------------------------------------------------------------------

  task accept_packet(input logic [31:0] port);
    logic [31:0] traffic_class, voq, group;
    traffic_class = {24'd0, frame.traffic_class};
    voq = voq_of(traffic_class, leaf_of_host(frame.destination), port_of_host(frame.destination));
    group = port * Classes + traffic_class;
    admit(group, voq, stored(frame.wire_bytes), cfg_lossless_i[traffic_class]);
    admissions[port] = admission;
    announce_pauses();
    if (admission <= 3'd1) begin
      enqueue(voq);
      ask_for_credits(voq);
    end
  endtask

  task stop_class(input logic [31:0] group, input logic off);
    if (off != paused_q[group]) begin
      if (off) paused_since_q[group] = now_i;
      else paused_cycles_q[group] = paused_cycles_q[group] + now_i - paused_since_q[group];
      paused_q[group] = off;
    end
  endtask

  task enqueue(input logic [31:0] voq);
    take_voq_slot();
    voq_frame_q[slot] = frame;
    if (packets_q[voq] == 0) begin
      head_since_q[voq] = now_i;
      last_news_q[voq] = now_i;
      first_q[voq] = slot;
    end else begin
      voq_next_q[last_q[voq]] = slot;
    end
    last_q[voq] = slot;
    packets_q[voq] = packets_q[voq] + 1;
    in_voqs_q = in_voqs_q + 1;
    enqueued_q[voq] = enqueued_q[voq] + {32'd0, stored(frame.wire_bytes)};
    queued_q[voq] = queued_q[voq] + {32'd0, stored(frame.wire_bytes)};
    ingress_q = ingress_q + {32'd0, stored(frame.wire_bytes)};
    if (ingress_q > ingress_peak_q) ingress_peak_q = ingress_q;
    update_sendable(voq);
  endtask

  task update_sendable(input logic [31:0] voq);
    sendable_q[voq / Destinations][voq % Destinations] = packets_q[voq] != 0 && balance_q[voq] > 0;
  endtask

  // --- shared buffer ----------------------------------------------------------------------------

  // Sets `admission` to what Admission says: 0 and 1 are stored.
  task admit(input logic [31:0] group, input logic [31:0] voq, input logic [31:0] stored_bytes,
             input logic lossless);
    logic [31:0] cells, free;
    logic [63:0] threshold;
    cells = (stored_bytes + cfg_buffer_cell_i - 1) / cfg_buffer_cell_i;
    free = cfg_shared_cells_i - shared_used_q;
    threshold = {32'd0, lossless ? cfg_alpha_lossless_i : cfg_alpha_lossy_i} * {32'd0, free} >> 16;
    admission = 3'd0;
    if (!lossless) begin
      if (cells > free) admission = 3'd3;
      else if ({32'd0, queue_cells_q[voq]} + {32'd0, cells} > threshold) admission = 3'd2;
    end else if (cells > free || {32'd0, group_shared_q[group]} + {32'd0, cells} > threshold) begin
      if (!xoff_q[group]) xoff_changed_q[group] = ~xoff_changed_q[group];
      xoff_q[group] = 1'b1;
      admission = group_headroom_q[group] + cells > cfg_headroom_cells_i ? 3'd4 : 3'd1;
    end
    if (admission <= 3'd1) queue_cells_q[voq] = queue_cells_q[voq] + cells;
    if (admission == 3'd0) begin
      group_shared_q[group] = group_shared_q[group] + cells;
      shared_used_q = shared_used_q + cells;
    end
    if (admission == 3'd1) begin
      group_headroom_q[group] = group_headroom_q[group] + cells;
      headroom_used_q = headroom_used_q + cells;
    end
  endtask

  // Headroom empties first. Pauses that now have no reason end.
  task release_memory(input logic [31:0] group, input logic [31:0] voq,
                      input logic [31:0] stored_bytes);
    logic [31:0] cells, drained;
    cells = (stored_bytes + cfg_buffer_cell_i - 1) / cfg_buffer_cell_i;
    // Only what was stored is given back.
    assert (cells <= group_shared_q[group] + group_headroom_q[group] && cells <= queue_cells_q[voq]);
    drained = cells < group_headroom_q[group] ? cells : group_headroom_q[group];
    group_headroom_q[group] = group_headroom_q[group] - drained;
    headroom_used_q = headroom_used_q - drained;
    group_shared_q[group] = group_shared_q[group] - (cells - drained);
    shared_used_q = shared_used_q - (cells - drained);
    queue_cells_q[voq] = queue_cells_q[voq] - cells;
    if (xoff_q != '0) begin
      for (int unsigned g = 0; g < Groups; g++) if (xoff_q[g]) end_pause(g);
    end
  endtask

  task end_pause(input logic [31:0] group);
    logic [63:0] level, threshold;
    level = ({32'd0, group_shared_q[group]} + {32'd0, cfg_xon_offset_cells_i}) << 16;
    threshold = {32'd0, cfg_alpha_lossless_i} * {32'd0, cfg_shared_cells_i - shared_used_q};
    if (group_headroom_q[group] == 0 && (group_shared_q[group] == 0 || level <= threshold)) begin
      xoff_q[group] = 1'b0;
      xoff_changed_q[group] = ~xoff_changed_q[group];
    end
  endtask

  task announce_pauses();
    if (xoff_changed_q != '0) begin
      for (int unsigned p = 0; p < HostPorts; p++) begin
        for (int unsigned c = 0; c < Classes; c++) begin
          if (xoff_changed_q[p * Classes + c]) push_pause(p, c, xoff_q[p * Classes + c]);
        end
      end
      xoff_changed_q = '0;
    end
  endtask

  task push_pause(input logic [31:0] port, input logic [31:0] traffic_class, input logic off);
    assert (pauses_waiting_q[port] < PauseSlots);
    pauses_q[port * PauseSlots + (pauses_first_q[port] + pauses_waiting_q[port]) % PauseSlots] =
        {off, traffic_class[7:0]};
    pauses_waiting_q[port] = pauses_waiting_q[port] + 1;
    created_q = created_q + 1;
  endtask

  // --- 3. credits asked for ---------------------------------------------------------------------

  // Enough to cover every byte that ever joined the VOQ, but only so many that it has not spent.
  task ask_for_credits(input logic [31:0] voq);
    logic [63:0] needed, unspent;
    logic [31:0] ceiling, target;
    needed = (enqueued_q[voq] + {32'd0, cfg_credit_i} - 1) / {32'd0, cfg_credit_i};
    unspent = balance_q[voq] > 0 ? $unsigned(balance_q[voq]) / {32'd0, cfg_credit_i} : 0;
    ceiling = granted_q[voq] - unspent[31:0] + cfg_outstanding_credits_i;
    target = $signed(needed[31:0] - ceiling) < 0 ? needed[31:0] : ceiling;
    if ($signed(target - requested_q[voq]) > 0) begin
      requested_q[voq] = target;
      send_status(voq, 1'b0);
      if (!watching_q) begin
        watching_q = 1'b1;
        watch_from_q = now_i;
      end
    end
  endtask

  task send_status(input logic [31:0] voq, input logic again);
    send_control(voq / HostPorts % Leaves, heddle_pkg::KindVoqStatus, again,
                 flow_of(voq % HostPorts, voq / Destinations), requested_q[voq]);
  endtask

  task watch_credits();
    if (watching_q && now_i >= watch_from_q + cfg_credit_watchdog_i) begin
      watching_q = 1'b0;
      for (int unsigned v = 0; v < Voqs; v++) begin
        if (packets_q[v] != 0) begin
          watching_q = 1'b1;
          if (balance_q[v] <= 0 && now_i - last_news_q[v] >= cfg_credit_watchdog_i) begin
            send_status(v, 1'b1);
          end
        end
      end
      watch_from_q = now_i;
    end
  endtask

  // --- 4. credits granted -----------------------------------------------------------------------

  function automatic logic may_grant(input logic [31:0] port);
    may_grant = waiting_classes_q[port] != '0 && bytes_q[port] < cfg_egress_threshold_i &&
                owed_q[port] < $signed(cfg_owed_bytes_i);
  endfunction

  task grant_credit(input logic [31:0] port);
    logic [31:0] traffic_class, queue, group, leaf, index;
    logic [Leaves-1:0] candidates;
    pick_class(1 + port, waiting_classes_q[port], cfg_credit_i, 1'b0, port);
    traffic_class = chosen;
    group = port * Classes + traffic_class;
    pick_slice(group);
    queue = group * Leaves + chosen;
    candidates = waiting_q[group] & slice_q[chosen];
    leaf = 0;
    for (int unsigned l = Leaves; l > 0; l--) if (candidates[l-1]) leaf = l - 1;
    if (candidates >> leaf_pointer_q[queue] != '0) begin
      for (int unsigned l = Leaves; l > 0; l--) begin
        if (candidates[l-1] && l - 1 >= leaf_pointer_q[queue]) leaf = l - 1;
      end
    end
    leaf_pointer_q[queue] = leaf + 1;
    index = group * Leaves + leaf;
    // No more credits are granted than were asked for.
    assert (asked_q[index] != given_q[index]);
    given_q[index] = given_q[index] + 1;
    wanted_q[port] = wanted_q[port] - 1;
    if (given_q[index] == asked_q[index]) begin
      waiting_q[group][leaf] = 1'b0;
      if (waiting_q[group] == '0) waiting_classes_q[port][traffic_class] = 1'b0;
    end
    spend_credit_time(port);
    owed_q[port] = owed_q[port] + $signed({32'd0, cfg_credit_i});
    credits_granted_q = credits_granted_q + 1;
    send_control(leaf, heddle_pkg::KindCredit, 1'b0, flow_of(port, traffic_class), given_q[index]);
  endtask

  // The next slice of the group in which somebody waits: chosen.
  task pick_slice(input logic [31:0] group);
    logic [31:0] slice;
    slice = slice_pointer_q[group];
    found = 1'b0;
    for (int unsigned n = 0; n < Leaves; n++) begin
      if (!found) begin
        if ((waiting_q[group] & slice_q[slice]) != '0) begin
          found = 1'b1;
          chosen = slice;
        end
        slice = slice + 1 < {16'd0, cfg_credit_slices_i} ? slice + 1 : 0;
      end
    end
    slice_pointer_q[group] = slice;
    assert (found);
  endtask

  // The next credit may leave an interval after this one was due, or after now if that was long ago.
  task spend_credit_time(input logic [31:0] port);
    if (credit_ahead_q[port] <= -$signed({2'd0, cfg_credit_unit_i})) credit_ahead_q[port] = '0;
    credit_ahead_q[port] = credit_ahead_q[port] + $signed({2'd0, cfg_credit_interval_i});
  endtask

  // --- 5. cells ---------------------------------------------------------------------------------

  task segment();
    logic stop;
    stop = 1'b0;
    for (int unsigned n = 0; n < CellsPerCycle; n++) begin
      if (n < {16'd0, cfg_cells_per_cycle_i} && !stop) begin
        if (staged_q >= cfg_staging_limit_i) begin
          stop = 1'b1;
        end else begin
          if (cut_left_q == 0) choose_voq();
          if (cut_left_q == 0) stop = 1'b1;
          else emit_cell();
        end
      end
    end
  endtask

  task choose_voq();
    logic [Classes-1:0] eligible;
    logic [31:0] destination, pointer, traffic_class;
    for (int unsigned c = 0; c < Classes; c++) eligible[c] = sendable_q[c] != '0;
    if (eligible != '0) begin
      pick_class(0, eligible, cfg_credit_i, 1'b0, 0);
      traffic_class = chosen;
      pointer = voq_pointer_q[traffic_class];
      // Those behind the pointer come first.
      if (pointer >= Destinations || sendable_q[traffic_class] >> pointer == '0) pointer = 0;
      destination = 0;
      for (int unsigned d = Destinations; d > 0; d--) begin
        if (sendable_q[traffic_class][d-1] && d - 1 >= pointer) destination = d - 1;
      end
      voq_pointer_q[traffic_class] = destination + 1;
      burst_q = $signed(cfg_credit_i);
      start_packet(traffic_class * Destinations + destination);
    end
  endtask

  task start_packet(input logic [31:0] voq);
    slot = first_q[voq];
    header = voq_frame_q[slot];
    voq_head_since_q[slot] = head_since_q[voq];
    voq_credited_since_q[slot] = credited_since_q[voq];
    first_q[voq] = voq_next_q[slot];
    packets_q[voq] = packets_q[voq] - 1;
    in_voqs_q = in_voqs_q - 1;
    queued_q[voq] = queued_q[voq] - {32'd0, stored(header.wire_bytes)};
    balance_q[voq] = balance_q[voq] - $signed({32'd0, stored(header.wire_bytes)});
    head_since_q[voq] = now_i;
    update_sendable(voq);
    sent_q[voq] = sent_q[voq] + {32'd0, stored(header.wire_bytes)};
    voq_sent_q[slot] = sent_q[voq];
    burst_q = burst_q - $signed(stored(header.wire_bytes));
    cut_voq_q = voq;
    cut_slot_q = slot;
    cut_group_q = port_of_host(header.source) * Classes + {24'd0, header.traffic_class};
    cut_stored_q = header.wire_bytes - heddle_pkg::EthernetFramingBytes;
    cut_left_q = cut_stored_q;
    ask_for_credits(voq);
  endtask

  // Cuts a cell: the rest of a packet or its beginning and, when packed, what fits of the next
  // packets of its VOQ.
  task emit_cell();
    logic [15:0] flow;
    logic [31:0] voq;
    voq = cut_voq_q;
    flow = 16'd0;
    if (cut_left_q != cut_stored_q) begin
      flow = cut_left_q < cfg_cell_payload_i ? cut_left_q : cfg_cell_payload_i;
    end
    filled = 16'd0;
    chain_ends = 4'd0;
    going = 1'b1;
    for (int unsigned e = 0; e <= Ends; e++) begin
      if (going) begin
        piece = cfg_cell_payload_i - filled;
        if (cut_left_q < piece) piece = cut_left_q;
        filled = filled + piece;
        cut_left_q = cut_left_q - piece;
        if (cut_left_q != 0) begin
          going = 1'b0;
        end else begin
          end_packet(voq);
          if (filled == cfg_cell_payload_i || !cfg_packed_i) going = 1'b0;
        end
      end
    end
    // No more packets end in a cell than it has room for.
    assert (!going);
    announce_pauses();
    stage_cell(voq / HostPorts % Leaves, flow);
  endtask

  // The packet that is cut ends in this cell; the next one of its VOQ follows, if it may.
  task end_packet(input logic [31:0] voq);
    assert ({28'd0, chain_ends} < Ends);
    if (chain_ends == 4'd0) chain_first = cut_slot_q;
    else voq_next_q[chain_last] = cut_slot_q;
    chain_last = cut_slot_q;
    chain_ends = chain_ends + 4'd1;
    release_memory(cut_group_q, voq, {16'd0, cut_stored_q});
    ingress_q = ingress_q - {48'd0, cut_stored_q};
    consumed_q = consumed_q + 1;
    if (burst_q > 0 && sendable_q[voq / Destinations][voq % Destinations]) start_packet(voq);
    else going = 1'b0;
  endtask

  task stage_cell(input logic [31:0] leaf, input logic [15:0] flow);
    if (leaf[15:0] == cfg_leaf_i) turn_loopback();
    else if (cfg_healing_i && !all_usable_q) choose_usable_link(leaf);
    else turn_spray();
    if (link == NoLink) begin
      lose_chain();
    end else begin
      take_cell_slot();
      cell_leaf_q[slot] = leaf;
      cell_sequence_q[slot] = next_cell_q[leaf];
      cell_flow_q[slot] = flow;
      cell_payload_q[slot] = filled;
      cell_first_q[slot] = chain_first;
      cell_ends_q[slot] = chain_ends;
      cell_pause_clock_q[slot] =
          pause_clock(stopped_q[link], stopped_since_q[link], stopped_cycles_q[link]);
      if (cells_q[link] == 0) cells_first_q[link] = slot;
      else cell_next_q[cells_last_q[link]] = slot;
      cells_last_q[link] = slot;
      cells_q[link] = cells_q[link] + 1;
      staged_q = staged_q + 1;
      add_queued(HostPorts + link, filled + cfg_cell_header_i);
      created_q = created_q + 1;
    end
    next_cell_q[leaf] = next_cell_q[leaf] + 1;
  endtask

  // No link leads to the leaf.
  task lose_chain();
    logic [31:0] end_slot, next_slot;
    end_slot = chain_first;
    for (int unsigned e = 0; e < Ends; e++) begin
      if (e < {28'd0, chain_ends}) begin
        next_slot = voq_next_q[end_slot];
        header = voq_frame_q[end_slot];
        lose(header.packet, 1'b0);
        free_voq_slot(end_slot);
        end_slot = next_slot;
      end
    end
  endtask

  // Every link once per round, the order of each drawn afresh; or each time at random.
  task turn_spray();
    logic [31:0] other, moved;
    if (cfg_spray_random_i) begin
      lfsr_q = heddle_pkg::lfsr_next(lfsr_q);
      link = heddle_pkg::below(lfsr_q, {16'd0, cfg_fabric_links_i});
    end else begin
      if (position_q == {16'd0, cfg_fabric_links_i}) begin
        for (int unsigned i = FabricLinks; i > 1; i--) begin
          if (i <= {16'd0, cfg_fabric_links_i}) begin
            lfsr_q = heddle_pkg::lfsr_next(lfsr_q);
            other = heddle_pkg::below(lfsr_q, i);
            moved = order_q[i-1];
            order_q[i-1] = order_q[other];
            order_q[other] = moved;
          end
        end
        position_q = 0;
      end
      link = order_q[position_q];
      position_q = position_q + 1;
    end
  endtask

  // --- healing: what a leaf does where links fail -----------------------------------------------

  function automatic logic leads_to(input logic [31:0] of_link, input logic [31:0] leaf);
    leads_to = heard_q[of_link] && peer_hears_q[of_link] && reaches_q[of_link][leaf];
  endfunction

  task heal();
    logic changed;
    changed = 1'b0;
    for (int unsigned l = 0; l < FabricLinks; l++) begin
      if (l < {16'd0, cfg_fabric_links_i} && heard_q[l] &&
          now_i - heard_at_q[l] >= cfg_reachability_watchdog_i) begin
        heard_q[l] = 1'b0;
        changed = 1'b1;
      end
    end
    if (changed) note_link_change();
    if (changed || now_i >= next_hello_q) say_hello();
    if (now_i >= next_expiry_q) give_up_missing_cells();
    forgive_old_debts();
  endtask

  // On every link, in turn and when something has changed.
  task say_hello();
    for (int unsigned l = 0; l < FabricLinks; l++) begin
      if (l < {16'd0, cfg_fabric_links_i}) begin
        push_control(l, heddle_pkg::KindReachability,
                     heard_q[l] ? 8'd0 : 8'd1 << heddle_pkg::FlagOff, {16'd0, cfg_leaf_i}, 0, 0);
      end
    end
    if (now_i >= next_hello_q) next_hello_q = now_i + cfg_reachability_period_i;
  endtask

  // flow and sequence_number have a bit for each leaf.
  task heed_hello(input logic [31:0] of_link);
    logic was, changed;
    was = heard_q[of_link] && peer_hears_q[of_link];
    heard_at_q[of_link] = now_i;
    heard_q[of_link] = 1'b1;
    peer_hears_q[of_link] = !frame.flags[heddle_pkg::FlagOff];
    changed = was != peer_hears_q[of_link] || reaches_q[of_link] != {frame.flow, frame.sequence_number};
    reaches_q[of_link] = {frame.flow, frame.sequence_number};
    if (changed) note_link_change();
  endtask

  task note_link_change();
    all_usable_q = 1'b1;
    for (int unsigned l = 0; l < FabricLinks; l++) begin
      for (int unsigned t = 0; t < Leaves; t++) begin
        if (l < {16'd0, cfg_fabric_links_i} && t < {16'd0, cfg_leaves_i} &&
            t != {16'd0, cfg_leaf_i} && !leads_to(l, t)) all_usable_q = 1'b0;
      end
    end
    changed_at_q = now_i;
  endtask

  // The spray order passes by links that do not lead there; NoLink when none does.
  task choose_usable_link(input logic [31:0] leaf);
    found = 1'b0;
    for (int unsigned n = 0; n < 2 * FabricLinks; n++) begin  // every link of a round at least once
      if (!found && n < 2 * {16'd0, cfg_fabric_links_i}) begin
        turn_spray();
        found = leads_to(link, leaf);
      end
    end
    if (!found) begin
      pass_to_usable(0, leaf);
      if (!leads_to(link, leaf)) link = NoLink;
    end
  endtask

  // `from`, or the next one that leads to the leaf.
  task pass_to_usable(input logic [31:0] from, input logic [31:0] leaf);
    logic [31:0] candidate;
    logic passed;
    passed = 1'b0;
    link = from;
    candidate = from;
    for (int unsigned n = 0; n < FabricLinks; n++) begin
      if (!passed && n < {16'd0, cfg_fabric_links_i}) begin
        passed = leads_to(candidate, leaf);
        if (passed) link = candidate;
        candidate = candidate + 1 == {16'd0, cfg_fabric_links_i} ? 0 : candidate + 1;
      end
    end
  endtask

  task give_up_missing_cells();
    logic [63:0] oldest;
    oldest = Never;
    for (int unsigned s = 0; s < Leaves; s++) begin
      if (waiting_cells_q[s] != 0) give_up_cells_of(s, oldest);
    end
    next_expiry_q = oldest == Never ? Never : oldest + cfg_reassembly_timeout_i;
  endtask

  // Goes on behind the missing cells, until the next one that is there has not waited long enough.
  task give_up_cells_of(input logic [31:0] source, inout logic [63:0] oldest);
    logic [31:0] sequence_number;
    sequence_number = expected_q[source];
    going = 1'b1;
    for (int unsigned a = 0; a < Window / WindowSide; a++) begin
      if (going) begin
        for (int unsigned b = 0; b < WindowSide; b++) begin
          if (going) begin
            if (slot_valid_q[source * Window + sequence_number % Window]) begin
              give_up_cells_before(source, sequence_number, oldest);
            end
            sequence_number = sequence_number + 1;
          end
        end
      end
    end
  endtask

  // Takes this cell, which is there, unless it must wait for those before it.
  task give_up_cells_before(input logic [31:0] source, input logic [31:0] sequence_number,
                            inout logic [63:0] oldest);
    logic [63:0] since;
    since = slot_since_q[source * Window + sequence_number % Window];
    if (sequence_number != expected_q[source]) begin
      if (since > now_i - cfg_reassembly_timeout_i) begin
        going = 1'b0;
        if (since < oldest) oldest = since;
      end else begin
        damage(source);
        expected_q[source] = sequence_number;
      end
    end
    if (going) begin
      take_next_cell(source);
      going = waiting_cells_q[source] != 0;
    end
  endtask

  // Cells of the source are missing: what is held of the packet that they continued is held in vain.
  task damage(input logic [31:0] source);
    egress_q = egress_q - {32'd0, open_bytes_q[source]};
    reassembly_q = reassembly_q - {32'd0, open_bytes_q[source]};
    open_bytes_q[source] = 0;
    damaged_q[source] = 1'b1;
  endtask

  // A cell in order, of which the first `flow` bytes continue an earlier one's packet. What it has of
  // a packet that has lost a piece is held no longer; and that packet is lost if it ends here.
  task join_partial(input logic [31:0] source, input logic [15:0] payload, input logic [15:0] flow,
                    output logic first_is_lost);
    logic goes_on;
    first_is_lost = 1'b0;
    open_bytes_q[source] = open_bytes_q[source] + {16'd0, payload};
    if (damaged_q[source]) begin
      goes_on = flow == payload && chain_ends == 4'd0;
      first_is_lost = flow != 16'd0 && !goes_on;
      damaged_q[source] = goes_on;
      open_bytes_q[source] = open_bytes_q[source] - {16'd0, flow};
      egress_q = egress_q - {48'd0, flow};
      reassembly_q = reassembly_q - {48'd0, flow};
    end
  endtask

  // Bytes that the packet's VOQ has sent since its last packet that arrived, lost ones included.
  task newly_sent(input logic [31:0] port, input logic [31:0] end_slot,
                  output logic signed [63:0] paid);
    logic [31:0] voq;
    header = egress_frame_q[end_slot];
    voq = voq_of({24'd0, header.traffic_class}, leaf_of_host(header.source), port);
    paid = $signed(egress_sent_q[end_slot] - settled_q[voq]);
    settled_q[voq] = egress_sent_q[end_slot];
    latest_packet_q[port] = now_i;
  endtask

  // A port that is owed all it may be, and has received nothing for the credit watchdog, grants
  // again.
  task forgive_old_debts();
    for (int unsigned p = 0; p < HostPorts; p++) begin
      if (p < {16'd0, cfg_hosts_i} && owed_q[p] >= $signed(cfg_owed_bytes_i) &&
          now_i >= latest_packet_q[p] + cfg_credit_watchdog_i) owed_q[p] = 0;
    end
  endtask

  // --- 7. links ---------------------------------------------------------------------------------

  // Every link sends for a cycle; what it has not used is not saved up.
  task pass_time();
    logic signed [63:0] rate;
    for (int unsigned p = 0; p < Ports; p++) begin
      rate = $signed({32'd0, cfg_rate_bytes_i[p*32 +: 32]});
      busy_q[p] = set_rate_i[p] ? $signed(set_rate_busy_i[p*64 +: 64]) : busy_q[p] - rate;
      if (busy_q[p] < -rate) busy_q[p] = -rate;
      peak_q[p] = bytes_q[p];
    end
    for (int unsigned p = 0; p < HostPorts; p++) begin
      credit_ahead_q[p] = credit_ahead_q[p] - $signed({2'd0, cfg_credit_unit_i});
      if (credit_ahead_q[p] < -$signed({2'd0, cfg_credit_unit_i})) begin
        credit_ahead_q[p] = -$signed({2'd0, cfg_credit_unit_i});
      end
    end
  endtask

  task begin_frame(input logic [31:0] port, input logic [31:0] paused);
    // No frame starts on a busy link.
    assert (busy_q[port] <= 0);
    if (busy_q[port] <= -$signed({32'd0, cfg_rate_bytes_i[port*32 +: 32]})) busy_q[port] = 0;
    busy_q[port] = busy_q[port] + $signed({48'd0, frame.wire_bytes}) *
                                      $signed({32'd0, cfg_rate_cycles_i[port*32 +: 32]});
    out_sop_o[port] = 1'b1;
    start_frame[port] = frame;
    start_paused[port] = paused;
  endtask

  task send_to_fabric(input logic [31:0] port);
    if (busy_q[HostPorts + port] <= 0) begin
      if (controls_q[port] != 0) begin
        send_control_frame(port);
      end else if (cells_q[port] != 0 && !stopped_q[port]) begin
        send_cell(port);
      end
    end
  endtask

  task send_control_frame(input logic [31:0] port);
    frame = '0;
    {frame.kind, frame.flags, frame.destination, frame.flow, frame.sequence_number} =
        control_q[port * ControlSlots + controls_first_q[port]];
    frame.source = cfg_leaf_i;
    frame.wire_bytes = cfg_cell_header_i;
    frame.packet = heddle_pkg::NoPacket;
    controls_first_q[port] = (controls_first_q[port] + 1) % ControlSlots;
    controls_q[port] = controls_q[port] - 1;
    bytes_q[HostPorts + port] = bytes_q[HostPorts + port] - {48'd0, frame.wire_bytes};
    start_ends[port] = 4'd0;
    begin_frame(HostPorts + port, 0);
  endtask

  task send_cell(input logic [31:0] port);
    logic [31:0] end_slot, next_slot;
    slot = cells_first_q[port];
    frame = '0;
    frame.kind = heddle_pkg::KindCell;
    frame.wire_bytes = cell_payload_q[slot] + cfg_cell_header_i;
    frame.payload_bytes = cell_payload_q[slot];
    frame.source = cfg_leaf_i;
    frame.destination = cell_leaf_q[slot][15:0];
    frame.flow = {16'd0, cell_flow_q[slot]};
    frame.sequence_number = cell_sequence_q[slot];
    frame.packet = heddle_pkg::NoPacket;
    end_slot = cell_first_q[slot];
    for (int unsigned e = 0; e < Ends; e++) begin
      if (e < {28'd0, cell_ends_q[slot]}) begin
        next_slot = voq_next_q[end_slot];
        header = voq_frame_q[end_slot];
        if (e == 0) frame.packet = header.packet;
        start_slot[port * Ends + e] = end_slot;
        free_voq_slot(end_slot);
        end_slot = next_slot;
      end
    end
    start_ends[port] = cell_ends_q[slot];
    // No cell starts on a link that is stopped.
    assert (!stopped_q[port]);
    bytes_q[HostPorts + port] = bytes_q[HostPorts + port] - {48'd0, frame.wire_bytes};
    begin_frame(HostPorts + port,
                stopped_cycles_q[port][31:0] - cell_pause_clock_q[slot]);
    cells_first_q[port] = cell_next_q[slot];
    cells_q[port] = cells_q[port] - 1;
    cell_next_q[slot] = cell_free_q;
    cell_free_q = slot;
    cell_free_slots_q = cell_free_slots_q + 1;
    staged_q = staged_q - 1;
  endtask

  task send_to_host(input logic [31:0] port);
    logic [Classes-1:0] eligible;
    if (busy_q[port] <= 0) begin
      if (leaving_q[port] != 0) begin  // its last byte has left
        bytes_q[port] = bytes_q[port] - {48'd0, leaving_q[port]};
        egress_q = egress_q - {32'd0, stored(leaving_q[port])};
        leaving_q[port] = 16'd0;
      end
      for (int unsigned c = 0; c < Classes; c++) begin
        eligible[c] = frames_q[port * Classes + c] != 0 && !paused_q[port * Classes + c];
      end
      if (pauses_waiting_q[port] != 0) begin
        frame = heddle_pkg::pause_frame(
            pauses_q[port * PauseSlots + pauses_first_q[port]][7:0],
            pauses_q[port * PauseSlots + pauses_first_q[port]][8]);
        pauses_first_q[port] = (pauses_first_q[port] + 1) % PauseSlots;
        pauses_waiting_q[port] = pauses_waiting_q[port] - 1;
        begin_frame(port, 0);
      end else if (eligible != '0) begin
        send_packet(port, eligible);
      end
    end
  endtask

  task send_packet(input logic [31:0] port, input logic [Classes-1:0] eligible);
    logic [31:0] group;
    pick_class(1 + HostPorts + port, eligible, cfg_largest_packet_bytes_i, 1'b1, port);
    group = port * Classes + chosen;
    // No stopped class starts.
    assert (!paused_q[group]);
    slot = frames_first_q[group];
    frame = egress_frame_q[slot];
    frames_first_q[group] = egress_next_q[slot];
    frames_q[group] = frames_q[group] - 1;
    begin_frame(port, paused_cycles_q[group][31:0] - egress_pause_clock_q[slot]);
    start_complete_since[port] = egress_since_q[slot];
    free_egress_slot(slot);
    leaving_q[port] = frame.wire_bytes;
  endtask

  // --- the cycle --------------------------------------------------------------------------------

  task note_events();
    for (int unsigned p = 0; p < HostPorts; p++) begin
      for (int unsigned c = 0; c < Classes; c++) begin
        if (input_failed_i[p]) stop_class(p * Classes + c, 1'b0);
        if (output_restored_i[p] && xoff_q[p * Classes + c]) push_pause(p, c, 1'b1);
      end
    end
    for (int unsigned p = 0; p < FabricPorts; p++) begin
      if (input_failed_i[HostPorts + p]) stop_cells(p, 1'b0);
    end
  endtask

  task begin_cycle();
    for (int unsigned p = 0; p < HostPorts; p++) admissions[p] = 3'd0;
    late_o = '0;
    losses = 16'd0;
    out_sop_o = '0;
    ingress_peak_q = ingress_q;
    egress_peak_q = egress_q;
    reassembly_peak_q = reassembly_q;
    pass_time();
    if ((input_failed_i | output_restored_i) != '0) note_events();
  endtask

  task receive();
    for (int unsigned p = 0; p < FabricPorts; p++) begin
      if (local_valid_i[HostPorts + p]) begin
        header = local_frame_i[(HostPorts + p)*192 +: 192];
        assert (header.kind == heddle_pkg::KindFlowControl);
        stop_cells(p, header.flags[heddle_pkg::FlagOff]);
        consumed_q = consumed_q + 1;
      end
      if (in_valid_i[HostPorts + p]) begin
        frame = in_frame_i[(HostPorts + p)*192 +: 192];
        accept_fabric_frame(p);
      end
    end
    for (int unsigned p = 0; p < HostPorts; p++) begin
      if (local_valid_i[p]) begin
        header = local_frame_i[p*192 +: 192];
        assert (header.kind == heddle_pkg::KindPause);
        stop_class(p * Classes + {24'd0, header.traffic_class}, header.flags[heddle_pkg::FlagOff]);
        consumed_q = consumed_q + 1;
      end
      if (in_valid_i[p]) begin
        frame = in_frame_i[p*192 +: 192];
        accept_packet(p);
      end
    end
  endtask

  // The frames that start, and their packets.
  task show_starts();
    for (int unsigned p = 0; p < Ports; p++) begin
      if (out_sop_o[p]) begin
        out_frame_o[p*192 +: 192] = start_frame[p];
        out_paused_o[p*32 +: 32] = start_paused[p];
      end
    end
    for (int unsigned p = 0; p < HostPorts; p++) begin
      if (out_sop_o[p]) out_complete_since_o[p*64 +: 64] = start_complete_since[p];
    end
    for (int unsigned p = 0; p < FabricPorts; p++) begin
      if (out_sop_o[HostPorts + p]) begin
        out_ends_o[p*4 +: 4] = start_ends[p];
        for (int unsigned e = 0; e < Ends; e++) begin
          if (e < {28'd0, start_ends[p]}) begin
            slot = start_slot[p * Ends + e];
            out_end_frame_o[(p * Ends + e)*192 +: 192] = voq_frame_q[slot];
            out_end_sent_o[(p * Ends + e)*64 +: 64] = voq_sent_q[slot];
            out_end_head_since_o[(p * Ends + e)*64 +: 64] = voq_head_since_q[slot];
            out_end_credited_since_o[(p * Ends + e)*64 +: 64] = voq_credited_since_q[slot];
          end
        end
      end
    end
  endtask

  task end_cycle();
    show_starts();
    losses_o = losses;
    if (losses != 16'd0) begin
      for (int unsigned i = 0; i < Losses; i++) begin
        loss_packet_o[i*32 +: 32] = loss_packet[i];
        loss_incomplete_o[i] = loss_incomplete[i];
      end
    end
    for (int unsigned p = 0; p < HostPorts; p++) admission_o[p*3 +: 3] = admissions[p];
    for (int unsigned p = 0; p < Ports; p++) begin
      out_valid_o[p] = out_sop_o[p] || busy_q[p] > 0;
      out_eop_o[p] = out_valid_o[p] && busy_q[p] <= $signed({32'd0, cfg_rate_bytes_i[p*32 +: 32]});
      queued_bytes_o[p*64 +: 64] = bytes_q[p];
      queued_peak_o[p*64 +: 64] = peak_q[p];
    end
    held_o = in_voqs_q + {31'd0, cut_left_q != 0} + staged_q;
    pieces_bytes_o = waiting_bytes_q;
    for (int unsigned p = 0; p < FabricPorts; p++) held_o = held_o + controls_q[p];
    for (int unsigned l = 0; l < Leaves; l++) begin
      held_o = held_o + waiting_cells_q[l];
      pieces_bytes_o = pieces_bytes_o + {32'd0, open_bytes_q[l]};
    end
    for (int unsigned p = 0; p < HostPorts; p++) begin
      held_o = held_o + pauses_waiting_q[p];
      for (int unsigned c = 0; c < Classes; c++) held_o = held_o + frames_q[p * Classes + c];
      owed_bytes_o[p*64 +: 64] = owed_q[p];
      wanted_credits_o[p*32 +: 32] = wanted_q[p];
    end
    look_ahead();
  endtask

  // Whether anything can happen in the next cycles without an input, and the next timer.
  task look_ahead();
    idle_o = cut_left_q == 0;
    wake_o = watching_q ? watch_from_q + cfg_credit_watchdog_i : Never;
    for (int unsigned c = 0; c < Classes; c++) if (sendable_q[c] != '0) idle_o = 1'b0;
    for (int unsigned p = 0; p < Ports; p++) begin
      if (busy_q[p] > -$signed({32'd0, cfg_rate_bytes_i[p*32 +: 32]})) idle_o = 1'b0;
    end
    for (int unsigned p = 0; p < FabricPorts; p++) begin
      if (controls_q[p] != 0 || (cells_q[p] != 0 && !stopped_q[p])) idle_o = 1'b0;
    end
    for (int unsigned p = 0; p < HostPorts; p++) begin
      if (may_grant(p) || leaving_q[p] != 0 || pauses_waiting_q[p] != 0 ||
          credit_ahead_q[p] > -$signed({2'd0, cfg_credit_unit_i})) idle_o = 1'b0;
      for (int unsigned c = 0; c < Classes; c++) begin
        if (frames_q[p * Classes + c] != 0 && !paused_q[p * Classes + c]) idle_o = 1'b0;
      end
    end
    if (cfg_healing_i && idle_o) look_ahead_at_faults();
  endtask

  task wake_by(input logic [63:0] at);
    if (at < wake_o) wake_o = at;
  endtask

  task look_ahead_at_faults();
    wake_by(next_hello_q);
    wake_by(next_expiry_q);
    for (int unsigned l = 0; l < FabricLinks; l++) begin
      if (heard_q[l]) wake_by(heard_at_q[l] + cfg_reachability_watchdog_i);
    end
    for (int unsigned p = 0; p < HostPorts; p++) begin
      if (owed_q[p] >= $signed(cfg_owed_bytes_i)) wake_by(latest_packet_q[p] + cfg_credit_watchdog_i);
    end
  endtask

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      reset();
    end else begin
      begin_cycle();
      receive();                           // 1. from the fabric, 2. from hosts
      if (cfg_healing_i) heal();           //    missing cells given up, links taken out
      watch_credits();                     // 3. requests repeated
      for (int unsigned p = 0; p < HostPorts; p++) begin
        if (credit_ahead_q[p] <= 0 && may_grant(p)) grant_credit(p);  // 4. credits granted
      end
      segment();                           // 5. cells
      for (int unsigned p = 0; p < FabricPorts; p++) send_to_fabric(p);  // 7. links
      for (int unsigned p = 0; p < HostPorts; p++) send_to_host(p);
      end_cycle();
      check();
    end
  end

  // All but the contents of memories.
  task reset();
    for (int unsigned v = 0; v < Voqs; v++) begin
      first_q[v] = 0;
      last_q[v] = 0;
      packets_q[v] = 0;
      enqueued_q[v] = 0;
      queued_q[v] = 0;
      balance_q[v] = 0;
      requested_q[v] = 0;
      granted_q[v] = 0;
      head_since_q[v] = 0;
      credited_since_q[v] = 0;
      last_news_q[v] = 0;
      sent_q[v] = 0;
      queue_cells_q[v] = 0;
      settled_q[v] = 0;
    end
    for (int unsigned g = 0; g < Groups; g++) begin
      group_shared_q[g] = 0;
      group_headroom_q[g] = 0;
      waiting_q[g] = '0;
      slice_pointer_q[g] = 0;
      frames_first_q[g] = 0;
      frames_last_q[g] = 0;
      frames_q[g] = 0;
      paused_since_q[g] = 0;
      paused_cycles_q[g] = 0;
    end
    for (int unsigned i = 0; i < Groups * Leaves; i++) begin
      asked_q[i] = 0;
      given_q[i] = 0;
      leaf_pointer_q[i] = 0;
    end
    for (int unsigned c = 0; c < Classes; c++) begin
      sendable_q[c] = '0;
      voq_pointer_q[c] = 0;
    end
    for (int unsigned i = 0; i < Schedulers; i++) begin
      turn_q[i] = 0;
      saved_q[i] = 1'b0;
    end
    for (int unsigned i = 0; i < Schedulers * Classes; i++) deficit_q[i] = '0;
    for (int unsigned i = 0; i < Leaves * Window; i++) slot_valid_q[i] = 1'b0;
    reset_ports();
    reset_leaves();
    reset_rest();
  endtask

  task reset_ports();
    for (int unsigned p = 0; p < HostPorts; p++) begin
      waiting_classes_q[p] = '0;
      wanted_q[p] = 0;
      owed_q[p] = 0;
      credit_ahead_q[p] = 0;
      leaving_q[p] = 0;
      pauses_first_q[p] = 0;
      pauses_waiting_q[p] = 0;
      latest_packet_q[p] = 0;
    end
    for (int unsigned p = 0; p < FabricPorts; p++) begin
      cells_first_q[p] = 0;
      cells_last_q[p] = 0;
      cells_q[p] = 0;
      controls_first_q[p] = 0;
      controls_q[p] = 0;
      stopped_since_q[p] = 0;
      stopped_cycles_q[p] = 0;
    end
    for (int unsigned p = 0; p < Ports; p++) begin
      busy_q[p] = 0;
      bytes_q[p] = 0;
      peak_q[p] = 0;
    end
    for (int unsigned l = 0; l < FabricLinks; l++) begin
      order_q[l] = l;
      heard_at_q[l] = 0;
      reaches_q[l] = '1;
    end
  endtask

  task reset_leaves();
    for (int unsigned l = 0; l < Leaves; l++) begin
      next_cell_q[l] = 0;
      expected_q[l] = 0;
      waiting_cells_q[l] = 0;
      open_bytes_q[l] = 0;
      for (int unsigned s = 0; s < Leaves; s++) begin
        slice_q[s][l] = l % {16'd0, cfg_credit_slices_i} == s;
      end
    end
    damaged_q = '0;
  endtask

  task reset_rest();
    voq_free_q = 0;
    voq_free_slots_q = 0;
    voq_fresh_q = 0;
    voq_used_q = 0;
    egress_free_q = 0;
    egress_free_slots_q = 0;
    egress_fresh_q = 0;
    egress_used_q = 0;
    cell_free_q = 0;
    cell_free_slots_q = 0;
    cell_fresh_q = 0;
    staged_q = 0;
    in_voqs_q = 0;
    watching_q = 1'b0;
    watch_from_q = 0;
    xoff_q = '0;
    xoff_changed_q = '0;
    shared_used_q = 0;
    headroom_used_q = 0;
    cut_voq_q = 0;
    cut_slot_q = 0;
    cut_group_q = 0;
    cut_stored_q = 0;
    cut_left_q = 0;
    burst_q = 0;
    lfsr_q = cfg_spray_state_i;
    position_q = {16'd0, cfg_fabric_links_i};
    next_control_q = 0;
    next_loopback_q = 0;
    stopped_q = '0;
    paused_q = '0;
    waiting_bytes_q = 0;
    ingress_q = 0;
    egress_q = 0;
    reassembly_q = 0;
    created_q = 0;
    consumed_q = 0;
    credits_granted_q = 0;
    heard_q = '1;
    peer_hears_q = '1;
    all_usable_q = 1'b1;
    changed_at_q = 0;
    next_hello_q = 1;
    next_expiry_q = Never;
    out_valid_o = '0;
    out_sop_o = '0;
    idle_o = 1'b0;
    losses_o = 16'd0;
  endtask

  // --- what others may see ----------------------------------------------------------------------

  assign created_o = created_q;
  assign consumed_o = consumed_q;
  assign credits_granted_o = credits_granted_q;
  assign ingress_bytes_o = ingress_q;
  assign ingress_peak_o = ingress_peak_q;
  assign egress_bytes_o = egress_q;
  assign egress_peak_o = egress_peak_q;
  assign reassembly_bytes_o = reassembly_q;
  assign reassembly_peak_o = reassembly_peak_q;
  assign free_cells_o = cfg_shared_cells_i - shared_used_q;
  assign used_cells_o = shared_used_q + headroom_used_q;
  assign staged_cells_o = staged_q;
  assign xoff_o = xoff_q;
  assign host_paused_o = paused_q;
  assign fabric_paused_o = stopped_q;
  assign link_heard_o = heard_q;
  assign link_used_o = heard_q & peer_hears_q;
  assign links_changed_at_o = changed_at_q;

  logic [31:0] probe, probe_leaf, probe_group, probe_credit;
  assign probe = {16'd0, probe_voq_i};
  assign probe_leaf = probe / HostPorts % Leaves;
  assign probe_group = probe % HostPorts * Classes + probe / Destinations;
  assign probe_credit = probe_group * Leaves + probe_leaf;
  assign probe_enqueued_bytes_o = enqueued_q[probe];
  assign probe_queued_bytes_o = queued_q[probe];
  assign probe_balance_bytes_o = balance_q[probe];
  assign probe_packets_o = packets_q[probe];
  assign probe_requested_o = requested_q[probe];
  assign probe_granted_o = granted_q[probe];
  assign probe_port_requested_o = asked_q[probe_credit];
  assign probe_port_granted_o = given_q[probe_credit];
  assign probe_expected_cell_o = expected_q[probe_leaf];
  assign probe_waiting_cells_o = waiting_cells_q[probe_leaf];
  assign probe_group_cells_o = group_shared_q[probe_group] + group_headroom_q[probe_group];
  assign probe_host_frames_o = frames_q[probe_group];
  assign probe_fabric_cells_o = cells_q[{24'd0, probe_fabric_port_i}];
  assign probe_fabric_control_o = controls_q[{24'd0, probe_fabric_port_i}];

  // --- properties, beside those in the steps ----------------------------------------------------

  task check();
    logic [31:0] cells, shared, headroom, waiting;
    // Lists of packets: what is free and what is used is all there is.
    assert (voq_used_q + voq_free_slots_q == voq_fresh_q && voq_fresh_q <= VoqPackets);
    assert (egress_used_q + egress_free_slots_q == egress_fresh_q);
    assert (egress_fresh_q <= EgressPackets);
    assert (staged_q + cell_free_slots_q == cell_fresh_q && cell_fresh_q <= CellSlots);
    // A packet is in a VOQ, is cut, or ends in a cell that waits: no slot is lost.
    assert (in_voqs_q <= voq_used_q);
    // Staged cells are those that the fabric queues hold.
    cells = 0;
    for (int unsigned p = 0; p < FabricPorts; p++) cells = cells + cells_q[p];
    assert (cells == staged_q);
    // Buffer accounting never exceeds the pool, and groups and totals agree.
    shared = 0;
    headroom = 0;
    for (int unsigned g = 0; g < Groups; g++) begin
      shared = shared + group_shared_q[g];
      headroom = headroom + group_headroom_q[g];
      assert (group_headroom_q[g] <= cfg_headroom_cells_i);
      // A group uses headroom only while its sender is to pause.
      assert (group_headroom_q[g] == 0 || xoff_q[g]);
    end
    assert (shared == shared_used_q && shared <= cfg_shared_cells_i && headroom == headroom_used_q);
    // A port wants credits exactly while somebody waits for one.
    for (int unsigned p = 0; p < HostPorts; p++) begin
      assert ((wanted_q[p] != 0) == (waiting_classes_q[p] != '0));
    end
    // Cells that wait for an earlier one are counted in the egress memory.
    waiting = 0;
    for (int unsigned l = 0; l < Leaves; l++) waiting = waiting + waiting_cells_q[l];
    assert ((waiting == 0) == (waiting_bytes_q == 0) && waiting_bytes_q <= egress_q);
    assert (reassembly_q <= egress_q);
  endtask

endmodule
