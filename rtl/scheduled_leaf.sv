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

  // --- the steps, each part in a file of its own ------------------------------------------------

  `include "scheduled_leaf_memory.svh"    // numbers, class scheduling, memories of packets and frames
  `include "scheduled_leaf_egress.svh"    // 1. from the fabric, 4. credits granted
  `include "scheduled_leaf_ingress.svh"   // 2. from hosts, 3. credits asked for, 5. cells
  `include "scheduled_leaf_healing.svh"   // where links fail
  `include "scheduled_leaf_links.svh"     // 7. links

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
