// Part of scheduled_leaf: what its steps share: numbers of queues and flows, class scheduling, memories of packets, cells
// and control frames.

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
