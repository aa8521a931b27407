// Part of scheduled_leaf: what starts on its links, and when.

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
