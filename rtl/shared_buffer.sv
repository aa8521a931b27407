// Twin of models/parts/shared_buffer.h and, with its random numbers, of models/parts/ecn.h.
//
// The accounting of a packet memory that all ports share: what is stored where, which groups are
// xoff, and which packets are marked. In a cycle, in this order: the changes of xoff that are shown
// are taken, a packet is marked, admitted or not, another is released, thresholds change. Answers
// to the packet (mark_o, admission_o) are combinational, the rest is seen after the edge.
//
// The model keeps the least free space at which a pause can end. Here each release compares all
// groups at once, which is the same rule.
module shared_buffer #(
    parameter int unsigned Groups = 8,
    parameter int unsigned Queues = 8,
    parameter int unsigned CellBits = 20,  // of a count of cells; all are less than 2^CellBits
    parameter int unsigned ByteBits = 16,  // of a packet's size
    parameter int unsigned AlphaBits = 28, // of a multiple of the free cells, in units of 2^-16
    localparam int unsigned GroupBits = $clog2(Groups),
    localparam int unsigned QueueBits = $clog2(Queues)
) (
    input  logic                       clk_i,
    input  logic                       rst_ni,
    input  logic [ByteBits-1:0]        cfg_cell_bytes_i,
    input  logic [32:0]                cfg_cell_reciprocal_i,  // 2^32 / cell_bytes, rounded up
    input  logic [CellBits-1:0]        cfg_shared_cells_i,
    input  logic [Groups*CellBits-1:0] cfg_headroom_limit_i,   // by group
    input  logic [63:0]                cfg_kmin_bytes_i,
    input  logic [63:0]                cfg_kmax_bytes_i,
    input  logic [63:0]                cfg_mark_slope_i,
    input  logic [63:0]                cfg_marking_i,          // first state; not 0
    // Thresholds: taken at reset and with set_thresholds_i.
    input  logic                       set_thresholds_i,
    input  logic [AlphaBits-1:0]       alpha_lossless_i,
    input  logic [AlphaBits-1:0]       alpha_lossy_i,
    input  logic                       xoff_fixed_i,           // xoff_cells, not alpha_lossless
    input  logic [CellBits-1:0]        xoff_cells_i,
    input  logic [CellBits-1:0]        xon_offset_cells_i,

    input  logic                       mark_i,                 // this packet may be marked
    input  logic                       admit_i,                // and is to be stored
    input  logic [GroupBits-1:0]       group_i,
    input  logic [QueueBits-1:0]       queue_i,
    input  logic [ByteBits-1:0]        bytes_i,
    input  logic                       lossless_i,
    output logic                       mark_o,
    output logic [2:0]                 admission_o,            // Admission

    input  logic                       release_i,              // a stored packet has left
    input  logic [GroupBits-1:0]       release_group_i,
    input  logic [QueueBits-1:0]       release_queue_i,
    input  logic [ByteBits-1:0]        release_bytes_i,

    output logic [Groups-1:0]          xoff_o,
    output logic [Groups-1:0]          changed_o,              // since last taken
    input  logic                       take_changes_i,
    output logic [CellBits-1:0]        free_cells_o,
    output logic [CellBits-1:0]        used_cells_o,
    output logic [Groups*CellBits-1:0] group_cells_o,
    output logic [Groups*CellBits-1:0] headroom_cells_o,
    output logic [Queues*CellBits-1:0] queue_cells_o
);
  localparam logic [2:0] Shared        = 3'd0;
  localparam logic [2:0] Headroom      = 3'd1;
  localparam logic [2:0] DropThreshold = 3'd2;
  localparam logic [2:0] DropPool      = 3'd3;
  localparam logic [2:0] DropHeadroom  = 3'd4;
  localparam int unsigned ProductBits = AlphaBits + CellBits;

  // Thresholds.
  logic [AlphaBits-1:0] alpha_lossless_q, alpha_lossy_q;
  logic xoff_fixed_q;
  logic [CellBits-1:0] xoff_cells_q, xon_offset_cells_q;

  // Cells by group and by queue, and their sums.
  logic [CellBits-1:0] shared_q [Groups];
  logic [CellBits-1:0] headroom_q [Groups];
  logic [CellBits-1:0] queue_q [Queues];
  logic [CellBits-1:0] shared_used_q, headroom_used_q;
  logic [Groups-1:0] xoff_q, changed_q;
  logic [63:0] marking_q;

`ifdef FORMAL
  // What holds for any numbers of cells, holds for these quotients.
  function automatic logic [CellBits-1:0] cells_of(input logic [ByteBits-1:0] bytes);
    cells_of = CellBits'(bytes);
  endfunction
`else
  function automatic logic [CellBits-1:0] cells_of(input logic [ByteBits-1:0] bytes);
    logic [ByteBits+33:0] product;
    product = ((ByteBits + 34)'(bytes) + (ByteBits + 34)'(cfg_cell_bytes_i) - 1'b1) *
              (ByteBits + 34)'(cfg_cell_reciprocal_i);
    cells_of = CellBits'(product >> 32);
  endfunction
`endif

  // Cells that somebody with this alpha may reach.
  function automatic logic [ProductBits-1:0] threshold(input logic [AlphaBits-1:0] alpha,
                                                       input logic [CellBits-1:0] free);
    threshold = (ProductBits'(alpha) * ProductBits'(free)) >> 16;
  endfunction

  // And a lossless group.
  function automatic logic [ProductBits-1:0] reach(input logic xoff_fixed,
                                                   input logic [CellBits-1:0] xoff_cells,
                                                   input logic [AlphaBits-1:0] alpha,
                                                   input logic [CellBits-1:0] free);
    reach = xoff_fixed ? ProductBits'(xoff_cells) : threshold(alpha, free);
  endfunction

  // --- the answer to a packet -------------------------------------------------------------------

  logic [CellBits-1:0] cells, free, limit;
  logic [ProductBits-1:0] group_after, queue_after, lossless_threshold;
  logic [CellBits:0] headroom_after;
  logic [63:0] depth, marking_next;

  always_comb begin
    cells              = cells_of(bytes_i);
    free               = cfg_shared_cells_i - shared_used_q;
    lossless_threshold = reach(xoff_fixed_q, xoff_cells_q, alpha_lossless_q, free);
    group_after        = ProductBits'(shared_q[group_i]) + ProductBits'(cells);
    queue_after        = ProductBits'(queue_q[queue_i]) + ProductBits'(cells);
    limit              = cfg_headroom_limit_i[32'(group_i)*CellBits +: CellBits];
    headroom_after     = {1'b0, headroom_q[group_i]} + {1'b0, cells};
    if (lossless_i) begin
      if (cells <= free && group_after <= lossless_threshold) begin
        admission_o = Shared;
      end else if (headroom_after <= {1'b0, limit}) begin
        admission_o = Headroom;
      end else begin
        admission_o = DropHeadroom;
      end
    end else if (cells > free) begin
      admission_o = DropPool;
    end else if (queue_after > threshold(alpha_lossy_q, free)) begin
      admission_o = DropThreshold;
    end else begin
      admission_o = Shared;
    end

    depth        = 64'(queue_q[queue_i]) * 64'(cfg_cell_bytes_i);
    marking_next = heddle_pkg::lfsr_next(marking_q);
    mark_o       = mark_i && heddle_pkg::mark(cfg_kmin_bytes_i, cfg_kmax_bytes_i, cfg_mark_slope_i,
                                              depth, marking_next);
  end

  // --- the cycle --------------------------------------------------------------------------------

  logic [CellBits-1:0] shared_d [Groups];
  logic [CellBits-1:0] headroom_d [Groups];
  logic [CellBits-1:0] queue_d [Queues];
  logic [CellBits-1:0] shared_used_d, headroom_used_d;
  logic [Groups-1:0] xoff_d;
  logic [CellBits-1:0] leaving, drained;

  task automatic store();
    if (admission_o == Shared) begin
      shared_d[group_i] = shared_d[group_i] + cells;
      shared_used_d     = shared_used_d + cells;
    end else if (admission_o == Headroom) begin
      headroom_d[group_i] = headroom_d[group_i] + cells;
      headroom_used_d     = headroom_used_d + cells;
    end
    if (admission_o == Shared || admission_o == Headroom) begin
      queue_d[queue_i] = queue_d[queue_i] + cells;
    end
    if (lossless_i && admission_o != Shared) xoff_d[group_i] = 1'b1;
  endtask

  // The headroom of the packet's group empties first.
  task automatic drain();
    drained = leaving < headroom_d[release_group_i] ? leaving : headroom_d[release_group_i];
    headroom_d[release_group_i] = headroom_d[release_group_i] - drained;
    headroom_used_d             = headroom_used_d - drained;
    shared_d[release_group_i]   = shared_d[release_group_i] - (leaving - drained);
    shared_used_d               = shared_used_d - (leaving - drained);
    queue_d[release_queue_i]    = queue_d[release_queue_i] - leaving;
  endtask

  // A group leaves xoff when its headroom is empty and its shared cells are xon_offset below the
  // threshold, or gone: then it does not wait for others.
  task automatic end_pauses(input logic [ProductBits-1:0] most,
                            input logic [CellBits-1:0] offset);
    for (int unsigned g = 0; g < Groups; g++) begin
      if (headroom_d[g] == '0 &&
          (shared_d[g] == '0 || (shared_used_d != cfg_shared_cells_i &&
                                 ProductBits'(shared_d[g]) + ProductBits'(offset) <= most))) begin
        xoff_d[g] = 1'b0;
      end
    end
  endtask

  always_comb begin
    for (int unsigned g = 0; g < Groups; g++) begin
      shared_d[g]   = shared_q[g];
      headroom_d[g] = headroom_q[g];
    end
    for (int unsigned q = 0; q < Queues; q++) queue_d[q] = queue_q[q];
    shared_used_d   = shared_used_q;
    headroom_used_d = headroom_used_q;
    xoff_d          = xoff_q;
    leaving         = cells_of(release_bytes_i);
    drained         = '0;
    if (admit_i) store();
    if (release_i) begin
      drain();
      end_pauses(reach(xoff_fixed_q, xoff_cells_q, alpha_lossless_q,
                       cfg_shared_cells_i - shared_used_d), xon_offset_cells_q);
    end
    if (set_thresholds_i) begin
      end_pauses(reach(xoff_fixed_i, xoff_cells_i, alpha_lossless_i,
                       cfg_shared_cells_i - shared_used_d), xon_offset_cells_i);
    end
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned g = 0; g < Groups; g++) begin
      shared_q[g]   <= rst_ni ? shared_d[g] : '0;
      headroom_q[g] <= rst_ni ? headroom_d[g] : '0;
    end
    for (int unsigned q = 0; q < Queues; q++) queue_q[q] <= rst_ni ? queue_d[q] : '0;
    if (!rst_ni || set_thresholds_i) begin
      alpha_lossless_q   <= alpha_lossless_i;
      alpha_lossy_q      <= alpha_lossy_i;
      xoff_fixed_q       <= xoff_fixed_i;
      xoff_cells_q       <= xoff_cells_i;
      xon_offset_cells_q <= xon_offset_cells_i;
    end
    if (!rst_ni) begin
      shared_used_q   <= '0;
      headroom_used_q <= '0;
      xoff_q          <= '0;
      changed_q       <= '0;
      marking_q       <= cfg_marking_i;
    end else begin
      shared_used_q   <= shared_used_d;
      headroom_used_q <= headroom_used_d;
      xoff_q          <= xoff_d;
      // What changes twice before it is taken has not changed.
      changed_q <= (take_changes_i ? '0 : changed_q) ^ xoff_q ^ xoff_d;
      // Depths up to kmin cost no random number.
      if (mark_i && depth > cfg_kmin_bytes_i) marking_q <= marking_next;
    end
  end

  assign xoff_o       = xoff_q;
  assign changed_o    = changed_q;
  assign free_cells_o = free;
  assign used_cells_o = shared_used_q + headroom_used_q;
  always_comb begin
    for (int unsigned g = 0; g < Groups; g++) begin
      group_cells_o[g*CellBits +: CellBits]    = shared_q[g] + headroom_q[g];
      headroom_cells_o[g*CellBits +: CellBits] = headroom_q[g];
    end
    for (int unsigned q = 0; q < Queues; q++) queue_cells_o[q*CellBits +: CellBits] = queue_q[q];
  end

  // --- properties -------------------------------------------------------------------------------

  localparam int unsigned SumBits = CellBits + $clog2(Groups + Queues + 1);

  logic [SumBits-1:0] shared_sum, headroom_sum, queue_sum, limit_sum;
  logic [Groups-1:0] announced_q;      // what whoever takes the changes knows
  logic was_set_q;                     // thresholds, in the cycle before
  logic [Groups-1:0] was_off_q;        // in the cycle before,
  logic [CellBits-1:0] arrived_q;      // in which so many cells arrived
  logic [CellBits:0] since_q [Groups]; // lossless cells come since xoff, with those behind it
  logic [CellBits:0] since_after;

  always_comb begin
    shared_sum   = '0;
    headroom_sum = '0;
    queue_sum    = '0;
    limit_sum    = '0;
    for (int unsigned g = 0; g < Groups; g++) begin
      shared_sum   = shared_sum + SumBits'(shared_q[g]);
      headroom_sum = headroom_sum + SumBits'(headroom_q[g]);
      limit_sum    = limit_sum + SumBits'(cfg_headroom_limit_i[g*CellBits +: CellBits]);
    end
    for (int unsigned q = 0; q < Queues; q++) queue_sum = queue_sum + SumBits'(queue_q[q]);
    since_after   = {1'b0, cells} + (xoff_q[group_i] ? since_q[group_i] : '0);
    if (xoff_q[group_i] && since_q[group_i][CellBits]) since_after = since_q[group_i];
  end

  always_ff @(posedge clk_i) begin
    announced_q <= !rst_ni ? '0 : take_changes_i ? xoff_q : announced_q;
    was_set_q   <= set_thresholds_i;
    was_off_q   <= rst_ni ? xoff_q : '0;
    arrived_q   <= cells;
    for (int unsigned g = 0; g < Groups; g++) begin
      if (!rst_ni) begin
        since_q[g] <= '0;
      end else if (admit_i && lossless_i && group_i == GroupBits'(g)) begin
        since_q[g] <= xoff_q[g] || admission_o != Shared ? since_after : '0;
      end else if (!xoff_q[g]) begin
        since_q[g] <= '0;
      end
    end
  end

  // The contract: only what is stored leaves, and the configuration makes sense.
  logic contract;
  assign contract = (!release_i || ({1'b0, leaving} <= {1'b0, shared_q[release_group_i]} +
                                        {1'b0, headroom_q[release_group_i]} &&
                                    leaving <= queue_q[release_queue_i])) &&
                    SumBits'(cfg_shared_cells_i) + limit_sum < SumBits'(1) << CellBits &&
                    cfg_kmin_bytes_i <= cfg_kmax_bytes_i && cfg_marking_i != '0;

`ifdef FORMAL
  initial assume (!rst_ni);
  always_comb assume (contract || !rst_ni);
  always_ff @(posedge clk_i) begin
    assume (cfg_marking_i != '0 && cfg_shared_cells_i == $past(cfg_shared_cells_i));
    assume (cfg_headroom_limit_i == $past(cfg_headroom_limit_i));
  end
`endif

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
`ifndef FORMAL
      // Whoever uses it keeps the contract.
      p_contract: assert (contract);
`endif
      // The shared cells in use are those of the groups, and never more than there are.
      p_shared: assert (SumBits'(shared_used_q) == shared_sum);
      p_pool: assert (shared_used_q <= cfg_shared_cells_i);
      // So are those of the headroom, and what is stored stands in the queues.
      p_headroom: assert (SumBits'(headroom_used_q) == headroom_sum);
      p_queues: assert (queue_sum == SumBits'(shared_used_q) + SumBits'(headroom_used_q));
      for (int unsigned g = 0; g < Groups; g++) begin
        // No group holds more than its headroom,
        assert (headroom_q[g] <= cfg_headroom_limit_i[g*CellBits +: CellBits]);
        // nor any of it unless its sender is paused,
        assert (headroom_q[g] == '0 || xoff_q[g]);
        // nor more than came since then: xoff leaves the whole of it.
        assert ({1'b0, headroom_q[g]} <= since_q[g]);
        assert (was_off_q[g] || !xoff_q[g] || headroom_q[g] <= arrived_q);
        // A pause ends below the threshold by the offset (of then), or when nothing of the group is
        // left.
        assert (!was_off_q[g] || xoff_q[g] || headroom_q[g] == '0);
        assert (!was_off_q[g] || xoff_q[g] || shared_q[g] == '0 || was_set_q ||
                ProductBits'(shared_q[g]) + ProductBits'(xon_offset_cells_q) <= lossless_threshold);
        // A change is told once: exactly when what was last taken is no longer true.
        assert (changed_q[g] == (xoff_q[g] ^ announced_q[g]));
      end
      // A lossless packet is lost only when more than the headroom has come since xoff.
      p_lost: assert (!admit_i || admission_o != DropHeadroom ||
                      since_after > {1'b0, limit});
      // Shallow queues are never marked, deep ones always.
      p_shallow: assert (!mark_o || depth > cfg_kmin_bytes_i);
      p_deep: assert (mark_o || !mark_i || depth <= cfg_kmax_bytes_i);
      // The random numbers never come to rest.
      p_random: assert (marking_q != '0);
    end
  end

endmodule
