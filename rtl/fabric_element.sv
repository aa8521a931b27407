// Twin of models/switches/fabric_element.h.
//
// Takes cells from any leaf and sends them on to the leaf they are for; port p reaches leaf
// p / cfg_links_per_leaf_i. Two queues per output, control frames strictly before cells, as linked
// lists over one memory. Never drops for want of room: an input that holds many cells stops its
// sender with a flow control frame, which goes before everything else; in turn the peer of an
// output stops its cells. With cfg_faults_i it sends reachability frames, watches those of its
// peers, and uses no link that is not heard at both ends.
//
// A cycle: frames at the inputs, port by port, link-local ones first; then silent links; then every
// link that is free starts a frame. Output pins are registers and belong to the cycle of the edge.
// Whoever sends cells must obey flow control and leave room in the pool for what is under way.
module fabric_element #(
    parameter int unsigned Ports = 4,        // 2 to 64
    parameter int unsigned Cells = 4096,     // memory of all queues, control frames included
    parameter int unsigned FlowFrames = 64,  // flow control frames that wait for one busy link
    localparam int unsigned PortBits = $clog2(Ports),
    localparam int unsigned SlotBits = $clog2(Cells),
    localparam int unsigned FlowBits = $clog2(FlowFrames + 1)
) (
    input  logic                 clk_i,
    input  logic                 rst_ni,
    input  logic [63:0]          now_i,
    // Constant, or as the registers of the same names say.
    input  logic [PortBits:0]    cfg_ports_i,           // that have links: the lowest
    input  logic [PortBits:0]    cfg_links_per_leaf_i,
    input  logic [31:0]          cfg_receive_pool_cells_i,
    input  logic [31:0]          cfg_xoff_cells_i,
    input  logic [31:0]          cfg_xon_cells_i,
    input  logic [15:0]          cfg_cell_header_i,     // bytes of a frame made here
    input  logic                 cfg_faults_i,
    input  logic [63:0]          cfg_reachability_period_i,
    input  logic [63:0]          cfg_reachability_watchdog_i,
    input  logic [32*Ports-1:0]  cfg_rate_bytes_i,      // of the links, per rate_cycles
    input  logic [32*Ports-1:0]  cfg_rate_cycles_i,
    // Events. A link's rate changes: so many bytes x rate_cycles are then still to be sent.
    input  logic [Ports-1:0]     set_rate_i,
    input  logic [64*Ports-1:0]  set_rate_busy_i,
    input  logic [Ports-1:0]     input_failed_i,        // what its peer has stopped is void
    input  logic [Ports-1:0]     output_restored_i,     // its peer must be told again
    // What arrives.
    input  logic [Ports-1:0]     in_valid_i,
    input  logic [192*Ports-1:0] in_frame_i,
    input  logic [Ports-1:0]     local_valid_i,
    input  logic [192*Ports-1:0] local_frame_i,
    // The links: sop when a frame starts, valid while it occupies the link, eop at its end.
    output logic [Ports-1:0]     out_valid_o,
    output logic [Ports-1:0]     out_sop_o,
    output logic [Ports-1:0]     out_eop_o,
    output logic [192*Ports-1:0] out_frame_o,
    // Nothing happens without a new input before the cycle alarm_o; all ones: never.
    output logic                 idle_o,
    output logic [63:0]          alarm_o,
    // What happened in this cycle.
    output logic [PortBits*Ports-1:0] taken_by_o,  // of the frame that came in: its output
    output logic [Ports-1:0]     dropped_o,        // no link to its leaf
    output logic                 hello_o,          // a reachability frame for every output
    output logic [15:0]          created_o,        // frames made here
    // State.
    output logic [32*Ports-1:0]  pool_cells_o,
    output logic [31:0]          pool_peak_cells_o,
    output logic [32*Ports-1:0]  queued_cells_o,
    output logic [32*Ports-1:0]  queued_control_o,
    output logic [31:0]          held_o,           // frames, those of flow control included
    output logic [Ports-1:0]     stopped_o,        // inputs whose sender is stopped
    output logic [Ports-1:0]     paused_o,         // outputs whose cells the peer has stopped
    output logic [Ports-1:0]     heard_o,
    output logic [Ports-1:0]     used_o,           // both ends hear each other
    output logic [63:0]          links_changed_at_o
);
  localparam int unsigned Queues = 2 * Ports;  // of output p: 2p holds cells, 2p + 1 control
  localparam int unsigned QueueBits = PortBits + 1;

  // The queues: lists of slots. Those never used yet are fresh, those given back a list of their
  // own.
  logic [191:0]          frame_q [Cells];
  logic [PortBits-1:0]   input_q [Cells];
  logic [SlotBits-1:0]   next_q [Cells];
  logic [SlotBits-1:0]   head_q [Queues];
  logic [SlotBits-1:0]   tail_q [Queues];
  logic [SlotBits:0]     length_q [Queues];
  logic [SlotBits-1:0]   free_q;
  logic [SlotBits:0]     free_slots_q, fresh_q, used_q;
  logic                  overflow_q;

  // Inputs and outputs.
  logic [SlotBits:0]     pool_q [Ports];
  logic [SlotBits:0]     pool_peak_q;
  logic [PortBits-1:0]   next_link_q [Ports];  // by leaf: which of its parallel links is next
  logic [Ports-1:0]      stopped_q, paused_q;
  logic [FlowFrames-1:0] flow_off_q [Ports];   // flow control frames that wait, the first to the
  logic [FlowBits-1:0]   flow_count_q [Ports]; // right: whether each says stop

  // Links: bytes x rate_cycles until free; not above 0 means free, and a frame that starts within
  // a cycle of the end of the one before begins right there.
  logic signed [63:0]    busy_q [Ports];
  logic [Ports-1:0]      sop_q;

  // Healing.
  logic [63:0]           last_heard_q [Ports];
  logic [Ports-1:0]      heard_q, peer_hears_q;
  logic [63:0]           next_hello_q, links_changed_at_q;
  logic                  changed_q;

  // For the properties.
  logic [Ports-1:0]      was_busy_q;
  logic [31:0]           xoff_was_q, xon_was_q;
  logic                  bounds_moved_q;

  // Values of one step: always written before they are read.
  heddle_pkg::frame_t    frame;
  logic [PortBits-1:0]   output_port, from_port;
  logic                  found;
  logic [SlotBits-1:0]   slot;
  logic [QueueBits-1:0]  queue;
  logic [PortBits:0]     leaf, link, rank;
  logic [PortBits:0]     links_up [Ports];
  logic [63:0]           reached;

  // Both ends hear each other.
  function automatic logic may_use(input logic [PortBits-1:0] port);
    may_use = !cfg_faults_i || (heard_q[port] && peer_hears_q[port]);
  endfunction

  // --- queues -----------------------------------------------------------------------------------

  // Puts `frame`, which came in by `from_port`, into `queue`.
  task automatic push();
    overflow_q = overflow_q || used_q == (SlotBits + 1)'(Cells);
    if (free_slots_q != '0) begin
      slot = free_q;
      free_q = next_q[slot];
      free_slots_q = free_slots_q - 1'b1;
    end else begin
      slot = fresh_q[SlotBits-1:0];
      fresh_q = fresh_q + 1'b1;
    end
    used_q = used_q + 1'b1;
    frame_q[slot] = frame;
    input_q[slot] = from_port;
    if (length_q[queue] == '0) head_q[queue] = slot;
    else next_q[tail_q[queue]] = slot;
    tail_q[queue] = slot;
    length_q[queue] = length_q[queue] + 1'b1;
  endtask

  // The other way.
  task automatic pop();
    slot = head_q[queue];
    frame = frame_q[slot];
    from_port = input_q[slot];
    head_q[queue] = next_q[slot];
    length_q[queue] = length_q[queue] - 1'b1;
    next_q[slot] = free_q;
    free_q = slot;
    free_slots_q = free_slots_q + 1'b1;
    used_q = used_q - 1'b1;
  endtask

  // Stops or restarts the sender of `port`.
  task automatic flow_control(input logic [PortBits-1:0] port, input logic off);
    stopped_q[port] = off;
    overflow_q = overflow_q || flow_count_q[port] == FlowBits'(FlowFrames);
    flow_off_q[port] = flow_off_q[port] & ~(FlowFrames'(1) << flow_count_q[port]) |
                       FlowFrames'(off) << flow_count_q[port];
    flow_count_q[port] = flow_count_q[port] + 1'b1;
    created_o = created_o + 1'b1;
  endtask

  // --- 1. receive -------------------------------------------------------------------------------

  task automatic receive();
    for (int unsigned p = 0; p < Ports; p++) begin
      if (local_valid_i[p]) accept_local(PortBits'(p));
      if (in_valid_i[p]) accept(PortBits'(p));
    end
  endtask

  task automatic accept_local(input logic [PortBits-1:0] port);
    frame = local_frame_i[192*port +: 192];
    if (frame.kind == heddle_pkg::KindFlowControl) begin
      paused_q[port] = frame.flags[heddle_pkg::FlagOff];
    end
  endtask

  task automatic accept(input logic [PortBits-1:0] port);
    frame = in_frame_i[192*port +: 192];
    from_port = port;
    if (frame.kind == heddle_pkg::KindReachability) begin
      hear(port);
    end else begin
      choose_output();
      taken_by_o[PortBits*port +: PortBits] = output_port;
      dropped_o[port] = !found;
      if (found) begin
        queue = {output_port, frame.kind != heddle_pkg::KindCell};
        push();
        if (frame.kind == heddle_pkg::KindCell) hold(port);
      end
    end
  endtask

  // The links to a leaf in turn, those in use only.
  task automatic choose_output();
    found = 1'b0;
    output_port = '0;
    for (int unsigned n = 0; n < Ports; n++) begin
      if (n < 32'(cfg_links_per_leaf_i) && !found) begin
        link = {1'b0, next_link_q[frame.destination[PortBits-1:0]]};
        output_port = PortBits'(32'(frame.destination) * 32'(cfg_links_per_leaf_i) + 32'(link));
        next_link_q[frame.destination[PortBits-1:0]] =
            link + 1'b1 == cfg_links_per_leaf_i ? '0 : link[PortBits-1:0] + 1'b1;
        found = may_use(output_port);
      end
    end
  endtask

  // A cell has come in; a pool that is full enough stops the sender.
  task automatic hold(input logic [PortBits-1:0] port);
    pool_q[port] = pool_q[port] + 1'b1;
    if (pool_q[port] > pool_peak_q) pool_peak_q = pool_q[port];
    if (32'(pool_q[port]) >= cfg_xoff_cells_i && !stopped_q[port]) begin
      flow_control(port, 1'b1);
    end
  endtask

  // --- links that fail --------------------------------------------------------------------------

  task automatic hear(input logic [PortBits-1:0] port);
    found = may_use(port);
    heard_q[port] = 1'b1;
    peer_hears_q[port] = !frame.flags[heddle_pkg::FlagOff];
    last_heard_q[port] = now_i;
    if (found != peer_hears_q[port]) changed_q = 1'b1;
  endtask

  task automatic heal();
    for (int unsigned p = 0; p < Ports; p++) begin
      if (p < 32'(cfg_ports_i) && heard_q[p] &&
          now_i - last_heard_q[p] >= cfg_reachability_watchdog_i) begin
        heard_q[p] = 1'b0;
        changed_q = 1'b1;
      end
    end
    if (changed_q) links_changed_at_q = now_i;
    if (changed_q || now_i >= next_hello_q) begin
      say_hello();
      if (now_i >= next_hello_q) next_hello_q = now_i + cfg_reachability_period_i;
    end
    changed_q = 1'b0;
  endtask

  // Tells each leaf, on each of its links, which leaves it may send to that way. A leaf has at most
  // as many links for a destination as lead on to it: input balanced mode.
  task automatic say_hello();
    hello_o = 1'b1;
    created_o = created_o + 16'(cfg_ports_i);
    count_links_up();
    leaf = '0;
    link = '0;
    rank = '0;
    for (int unsigned p = 0; p < Ports; p++) begin
      if (p < 32'(cfg_ports_i)) begin
        reached = '0;
        for (int unsigned to = 0; to < Ports; to++) reached[to] = rank < links_up[to];
        frame = '0;
        frame.kind = heddle_pkg::KindReachability;
        frame.flags[heddle_pkg::FlagOff] = !heard_q[p];
        frame.wire_bytes = cfg_cell_header_i;
        frame.destination = 16'(leaf);
        frame.flow = reached[63:32];
        frame.sequence_number = reached[31:0];
        frame.packet = heddle_pkg::NoPacket;
        from_port = PortBits'(p);
        queue = {PortBits'(p), 1'b1};
        push();
        rank = rank + (PortBits + 1)'(may_use(PortBits'(p)));
        next_port();
      end
    end
  endtask

  task automatic count_links_up();
    for (int unsigned p = 0; p < Ports; p++) links_up[p] = '0;
    leaf = '0;
    link = '0;
    for (int unsigned p = 0; p < Ports; p++) begin
      if (p < 32'(cfg_ports_i)) begin
        if (may_use(PortBits'(p))) begin
          links_up[leaf[PortBits-1:0]] = links_up[leaf[PortBits-1:0]] + 1'b1;
        end
        next_port();
      end
    end
  endtask

  // `leaf` and `link` of the next port; `rank` counts within a leaf.
  task automatic next_port();
    link = link + 1'b1;
    if (link == cfg_links_per_leaf_i) begin
      link = '0;
      rank = '0;
      leaf = leaf + 1'b1;
    end
  endtask

  // --- 2. send ----------------------------------------------------------------------------------

  // Every free link; then those that flow control frames were made for after their turn.
  task automatic send();
    for (int unsigned p = 0; p < Ports; p++) begin
      if (ready(PortBits'(p))) serve(PortBits'(p));
    end
    for (int unsigned p = 0; p < Ports; p++) begin
      if (ready(PortBits'(p)) && flow_count_q[p] != '0) serve(PortBits'(p));
    end
  endtask

  function automatic logic ready(input logic [PortBits-1:0] port);
    ready = busy_q[port] <= 0 && !sop_q[port];
  endfunction

  task automatic serve(input logic [PortBits-1:0] port);
    if (flow_count_q[port] != '0) begin
      frame = '0;
      frame.kind = heddle_pkg::KindFlowControl;
      frame.flags[heddle_pkg::FlagOff] = flow_off_q[port][0];
      frame.wire_bytes = cfg_cell_header_i;
      frame.packet = heddle_pkg::NoPacket;
      flow_off_q[port] = flow_off_q[port] >> 1;
      flow_count_q[port] = flow_count_q[port] - 1'b1;
      start(port);
    end else if (length_q[{port, 1'b1}] != '0) begin
      queue = {port, 1'b1};
      pop();
      start(port);
    end else if (length_q[{port, 1'b0}] != '0 && !paused_q[port]) begin
      queue = {port, 1'b0};
      pop();
      start(port);
      let_go();
    end
  endtask

  // `frame` starts on the link.
  task automatic start(input logic [PortBits-1:0] port);
    out_frame_o[192*port +: 192] = frame;
    sop_q[port] = 1'b1;
    if (busy_q[port] <= -$signed({32'd0, cfg_rate_bytes_i[32*port +: 32]})) busy_q[port] = '0;
    busy_q[port] = busy_q[port] +
        $signed({48'd0, frame.wire_bytes} * {32'd0, cfg_rate_cycles_i[32*port +: 32]});
  endtask

  // A cell has left the pool of `from_port`; a drained pool restarts the sender.
  task automatic let_go();
    pool_q[from_port] = pool_q[from_port] - 1'b1;
    if (32'(pool_q[from_port]) <= cfg_xon_cells_i && stopped_q[from_port]) begin
      flow_control(from_port, 1'b0);
    end
  endtask

  // --- the cycle --------------------------------------------------------------------------------

  task automatic begin_cycle();
    sop_q = '0;
    dropped_o = '0;
    taken_by_o = '0;
    hello_o = 1'b0;
    created_o = '0;
    bounds_moved_q = bounds_moved_q || xoff_was_q != cfg_xoff_cells_i ||
                     xon_was_q != cfg_xon_cells_i;
    xoff_was_q = cfg_xoff_cells_i;
    xon_was_q = cfg_xon_cells_i;
    for (int unsigned p = 0; p < Ports; p++) begin
      if (set_rate_i[p]) begin
        busy_q[p] = $signed(set_rate_busy_i[64*p +: 64]);
      end else if (busy_q[p] <= 0) begin
        busy_q[p] = -$signed({32'd0, cfg_rate_bytes_i[32*p +: 32]});
      end else begin
        busy_q[p] = busy_q[p] - $signed({32'd0, cfg_rate_bytes_i[32*p +: 32]});
      end
      was_busy_q[p] = busy_q[p] > 0;
      if (input_failed_i[p]) paused_q[p] = 1'b0;
      if (output_restored_i[p] && stopped_q[p]) flow_control(PortBits'(p), 1'b1);
    end
  endtask

  task automatic reset();
    for (int unsigned q = 0; q < Queues; q++) begin
      head_q[q] = '0;
      tail_q[q] = '0;
      length_q[q] = '0;
    end
    for (int unsigned p = 0; p < Ports; p++) begin
      pool_q[p] = '0;
      next_link_q[p] = '0;
      flow_off_q[p] = '0;
      flow_count_q[p] = '0;
      busy_q[p] = '0;
      last_heard_q[p] = '0;
    end
    free_q = '0;
    free_slots_q = '0;
    fresh_q = '0;
    used_q = '0;
    overflow_q = 1'b0;
    pool_peak_q = '0;
    stopped_q = '0;
    paused_q = '0;
    sop_q = '0;
    heard_q = '1;
    peer_hears_q = '1;
    next_hello_q = 64'd1;
    links_changed_at_q = '0;
    changed_q = 1'b0;
    was_busy_q = '0;
    xoff_was_q = cfg_xoff_cells_i;
    xon_was_q = cfg_xon_cells_i;
    bounds_moved_q = 1'b0;
    out_frame_o = '0;
    taken_by_o = '0;
    dropped_o = '0;
    hello_o = 1'b0;
    created_o = '0;
  endtask

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      reset();
    end else begin
      begin_cycle();
      receive();                 // 1. frames to their queues; full pools stop senders
      if (cfg_faults_i) heal();  //    links taken out, the leaves told
      send();                    // 2. output links; drained pools restart senders
    end
  end

  // --- what others see --------------------------------------------------------------------------

  logic [31:0] flow_frames;

  always_comb begin
    flow_frames = '0;
    idle_o = 1'b1;
    alarm_o = cfg_faults_i ? next_hello_q : '1;
    for (int unsigned p = 0; p < Ports; p++) begin
      out_valid_o[p] = sop_q[p] || busy_q[p] > 0;
      out_eop_o[p] = out_valid_o[p] &&
                     busy_q[p] <= $signed({32'd0, cfg_rate_bytes_i[32*p +: 32]});
      pool_cells_o[32*p +: 32] = 32'(pool_q[p]);
      queued_cells_o[32*p +: 32] = 32'(length_q[2*p]);
      queued_control_o[32*p +: 32] = 32'(length_q[2*p+1]);
      flow_frames = flow_frames + 32'(flow_count_q[p]);
      if (flow_count_q[p] != '0 || length_q[2*p+1] != '0 || (length_q[2*p] != '0 && !paused_q[p]) ||
          busy_q[p] > -$signed({32'd0, cfg_rate_bytes_i[32*p +: 32]})) idle_o = 1'b0;
      if (cfg_faults_i && p < 32'(cfg_ports_i) && heard_q[p] &&
          last_heard_q[p] + cfg_reachability_watchdog_i < alarm_o) begin
        alarm_o = last_heard_q[p] + cfg_reachability_watchdog_i;
      end
    end
    held_o = 32'(used_q) + flow_frames;
  end

  assign out_sop_o = sop_q;
  assign pool_peak_cells_o = 32'(pool_peak_q);
  assign stopped_o = stopped_q;
  assign paused_o = paused_q;
  assign heard_o = heard_q;
  assign used_o = {Ports{!cfg_faults_i}} | (heard_q & peer_hears_q);
  assign links_changed_at_o = links_changed_at_q;

  // --- properties -------------------------------------------------------------------------------

  logic [31:0] pooled, queued_cells, queued;
  logic        bounds_hold;

  always_comb begin
    pooled = '0;
    queued_cells = '0;
    queued = '0;
    for (int unsigned p = 0; p < Ports; p++) begin
      pooled = pooled + 32'(pool_q[p]);
      queued_cells = queued_cells + 32'(length_q[2*p]);
      queued = queued + 32'(length_q[2*p]) + 32'(length_q[2*p+1]);
    end
    // What is said of the thresholds holds while nobody writes their registers.
    bounds_hold = xoff_was_q == cfg_xoff_cells_i && xon_was_q == cfg_xon_cells_i &&
                  !bounds_moved_q && cfg_xon_cells_i < cfg_xoff_cells_i;
  end

`ifdef FORMAL
  // The contract: sizes that fit, cells only while there is room for them. Rates of whole bytes.
  heddle_pkg::frame_t arriving;
  initial assume (!rst_ni);
  always_comb begin
    assume (cfg_ports_i == (PortBits + 1)'(Ports) && cfg_links_per_leaf_i == 1);
    assume (cfg_xon_cells_i < cfg_xoff_cells_i);
    assume (cfg_xoff_cells_i <= cfg_receive_pool_cells_i);
    assume (cfg_receive_pool_cells_i <= 32'd4);
    assume (32'(used_q) + 32'(Ports) * 2 <= 32'(Cells) || (in_valid_i == '0 && !cfg_faults_i));
    assume (set_rate_i == '0);
    for (int unsigned p = 0; p < Ports; p++) begin
      arriving = in_frame_i[192*p +: 192];
      assume (32'(arriving.destination) < Ports);
      assume (!in_valid_i[p] || arriving.kind != heddle_pkg::KindCell ||
              32'(pool_q[p]) < cfg_receive_pool_cells_i);
      assume (cfg_rate_cycles_i[32*p +: 32] == 1 && cfg_rate_bytes_i[32*p +: 24] != '0 &&
              cfg_rate_bytes_i[32*p+24 +: 8] == '0);
    end
  end
`endif

  always_comb begin
    if (rst_ni) begin
      // Cells in the pools of the inputs are those in the queues of the outputs.
      p_pools: assert (pooled == queued_cells);
      // A slot is either in a queue, or free, or has never been used.
      p_slots: assert (queued == 32'(used_q) && used_q + free_slots_q == fresh_q);
      p_memory: assert (fresh_q <= (SlotBits + 1)'(Cells));
      // Nothing is pushed where there is no room.
      p_room: assert (!overflow_q);
      for (int unsigned p = 0; p < Ports; p++) begin
        // No pool holds more than its cells.
        assert (32'(pool_q[p]) <= cfg_receive_pool_cells_i);
        // Before it is full its sender has been told to stop.
        assert (32'(pool_q[p]) < cfg_xoff_cells_i || stopped_q[p] || !bounds_hold);
        // A drained pool keeps nobody waiting.
        assert (32'(pool_q[p]) > cfg_xon_cells_i || !stopped_q[p] || !bounds_hold);
        // No frame starts on a busy link.
        assert (!sop_q[p] || !was_busy_q[p]);
        // No cell starts while the peer has stopped them.
        assert (!sop_q[p] || !paused_q[p] || out_frame_o[192*p +: 8] != heddle_pkg::KindCell);
      end
    end
  end

endmodule
