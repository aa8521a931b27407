// Part of scheduled_leaf: what it does where links fail.

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
