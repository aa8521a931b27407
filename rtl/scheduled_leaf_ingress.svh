// Part of scheduled_leaf: packets from hosts, the memory that they share, credits asked for, and cells.

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
