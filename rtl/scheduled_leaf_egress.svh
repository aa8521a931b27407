// Part of scheduled_leaf: cells from the fabric are put back in order, and credits are granted.

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
