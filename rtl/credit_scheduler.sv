// Twin of models/parts/credit_scheduler.h, with the models/parts/class_scheduler.h in it.
//
// The credit scheduler of one egress port. The VOQ of a leaf and class has asked for requested and
// been given granted credits since the start of the run; it waits while they differ. At each edge
// first a request comes, then one credit is granted, to one that waits by then: strict classes go
// first, the higher number first; among the others deficit round robin; in a class the slices take
// turns, and in a slice its leaves. Leaf i belongs to slice i mod cfg_slices_i. All outputs are
// registers, but granted_o, which is read.
//
// Every unit served is one credit, so deficits are counted in credits, and only the class whose turn
// it is has one: the others' are 0 whenever their turn ends.
module credit_scheduler #(
    parameter int unsigned Leaves = 8,      // at least 2
    parameter int unsigned Classes = 2,     // at least 2
    parameter int unsigned Slices = 2,      // at most; at least 2
    parameter int unsigned WeightBits = 8,
    parameter int unsigned CountBits = 32,  // of credits since the start of the run; they wrap
    localparam int unsigned Voqs = Leaves * Classes,
    localparam int unsigned LeafBits = $clog2(Leaves),
    localparam int unsigned ClassBits = $clog2(Classes),
    localparam int unsigned SliceBits = $clog2(Slices),
    localparam int unsigned VoqBits = $clog2(Voqs),
    localparam int unsigned QueueBits = $clog2(Classes * Slices),
    localparam int unsigned SumBits = CountBits + VoqBits
) (
    input  logic                          clk_i,
    input  logic                          rst_ni,
    input  logic [Classes-1:0]            cfg_strict_i,
    input  logic [Classes*WeightBits-1:0] cfg_weight_i,  // of each class that is not, at least 1
    input  logic [SliceBits:0]            cfg_slices_i,  // 1 .. Slices
    // 1. A VOQ has asked for so many in total.
    input  logic                          request_i,
    input  logic [LeafBits-1:0]           request_leaf_i,
    input  logic [ClassBits-1:0]          request_traffic_class_i,
    input  logic [CountBits-1:0]          request_credits_i,
    // 2. Somebody gets one: only when somebody waits, be it since this request.
    input  logic                          grant_i,
    output logic [LeafBits-1:0]           grant_leaf_o,
    output logic [ClassBits-1:0]          grant_traffic_class_o,
    output logic [CountBits-1:0]          grant_credits_o,  // to this VOQ so far
    output logic                          wanted_o,         // somebody waits
    output logic [SumBits-1:0]            outstanding_o,    // asked for and not granted
    // What one has been granted.
    input  logic [LeafBits-1:0]           granted_leaf_i,
    input  logic [ClassBits-1:0]          granted_traffic_class_i,
    output logic [CountBits-1:0]          granted_o
);
  logic [CountBits-1:0]  requested_q [Voqs], granted_q [Voqs];
  logic [Leaves-1:0]     waiting_q [Classes];
  logic [LeafBits-1:0]   pointer_q [Classes*Slices];  // in each slice: where the round goes on
  logic [SliceBits-1:0]  slice_pointer_q [Classes];   // the same for the round of the slices
  logic [ClassBits-1:0]  current_q;                   // whose turn it is among the weighted
  logic [WeightBits-1:0] deficit_q;                   // and how many it may still get
  logic [SumBits-1:0]    outstanding_q;

  function automatic logic [VoqBits-1:0] voq(input logic [ClassBits-1:0] traffic_class,
                                             input logic [LeafBits-1:0] leaf);
    voq = VoqBits'(VoqBits'(traffic_class) * VoqBits'(Leaves)) + VoqBits'(leaf);
  endfunction

  // --- 1. the request ---------------------------------------------------------------------------

  logic [VoqBits-1:0]   request_voq;
  logic [CountBits-1:0] more;
  logic                 accepted;  // else it was repeated, or overtaken by a later one
  logic [Leaves-1:0]    waiting [Classes];
  logic [Classes-1:0]   waiting_classes;

  assign request_voq = voq(request_traffic_class_i, request_leaf_i);
  assign more = request_credits_i - requested_q[request_voq];
  assign accepted = request_i && !more[CountBits-1] && more != '0;

  always_comb begin
    for (int unsigned c = 0; c < Classes; c++) begin
      waiting[c] = waiting_q[c];
      if (accepted && request_traffic_class_i == ClassBits'(c)) begin
        waiting[c] = waiting_q[c] | Leaves'(1) << request_leaf_i;
      end
      waiting_classes[c] = waiting[c] != '0;
    end
  end

  // --- 2. the grant: class, slice, leaf ---------------------------------------------------------

  logic [Classes-1:0]   strict, weighted, behind, turn;
  logic                 alone, stays;
  logic [ClassBits-1:0] traffic_class;

  assign strict   = waiting_classes & cfg_strict_i;
  assign weighted = waiting_classes & ~cfg_strict_i;
  assign alone    = (weighted & (weighted - Classes'(1))) == '0;
  assign stays    = weighted[current_q] && deficit_q != '0;
  assign behind   = weighted & ({Classes{1'b1}} << current_q << 1);
  assign turn     = !alone && stays ? Classes'(1) << current_q
                                    : behind != '0 ? behind : weighted;

  always_comb begin
    traffic_class = '0;
    for (int unsigned c = Classes; c > 0; c--) begin
      if (turn[c-1]) traffic_class = ClassBits'(c - 1);
    end
    for (int unsigned c = 0; c < Classes; c++) begin
      if (strict[c]) traffic_class = ClassBits'(c);
    end
  end

  logic [Leaves-1:0]    members [Slices];  // of each slice
  logic [SliceBits-1:0] of_leaf, slice;

  always_comb begin
    of_leaf = '0;
    for (int unsigned s = 0; s < Slices; s++) members[s] = '0;
    for (int unsigned i = 0; i < Leaves; i++) begin
      members[of_leaf][i] = 1'b1;
      of_leaf = next_slice(of_leaf);
    end
  end

  function automatic logic [SliceBits-1:0] next_slice(input logic [SliceBits-1:0] after);
    next_slice = {1'b0, after} + 1'b1 == cfg_slices_i ? '0 : after + 1'b1;
  endfunction

  logic [Slices-1:0]    ready, ready_ahead;  // slices in which somebody waits
  logic [Leaves-1:0]    rivals, rivals_ahead, grants;
  logic [LeafBits-1:0]  leaf;
  logic [QueueBits-1:0] queue;  // number of class and slice
  logic [VoqBits-1:0]   grant_voq;

  // The first at or after the pointer, else the first of all.
  always_comb begin
    for (int unsigned s = 0; s < Slices; s++) ready[s] = (waiting[traffic_class] & members[s]) != '0;
    ready_ahead = ready & ({Slices{1'b1}} << slice_pointer_q[traffic_class]);
    slice = '0;
    for (int unsigned s = Slices; s > 0; s--) begin
      if (ready_ahead != '0 ? ready_ahead[s-1] : ready[s-1]) slice = SliceBits'(s - 1);
    end
    queue = QueueBits'(QueueBits'(traffic_class) * QueueBits'(Slices)) + QueueBits'(slice);
    rivals = waiting[traffic_class] & members[slice];
    rivals_ahead = rivals & ({Leaves{1'b1}} << pointer_q[queue]);
    if (rivals_ahead != '0) rivals = rivals_ahead;
    grants = rivals & (~rivals + Leaves'(1));
    leaf = '0;
    for (int unsigned i = 0; i < Leaves; i++) if (grants[i]) leaf = leaf | LeafBits'(i);
  end

  logic [CountBits-1:0] total, asked;  // of the granted VOQ, from now on

  assign grant_voq = voq(traffic_class, leaf);
  assign total = granted_q[grant_voq] + 1'b1;
  assign asked = accepted && request_voq == grant_voq ? request_credits_i : requested_q[grant_voq];

  // --- state ------------------------------------------------------------------------------------

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      for (int unsigned v = 0; v < Voqs; v++) begin
        requested_q[v] <= '0;
        granted_q[v] <= '0;
      end
      for (int unsigned c = 0; c < Classes; c++) begin
        waiting_q[c] <= '0;
        slice_pointer_q[c] <= '0;
      end
      for (int unsigned q = 0; q < Classes * Slices; q++) pointer_q[q] <= '0;
      current_q <= '0;
      deficit_q <= '0;
      outstanding_q <= '0;
      grant_leaf_o <= '0;
      grant_traffic_class_o <= '0;
      grant_credits_o <= '0;
    end else begin
      outstanding_q <= outstanding_q + (accepted ? SumBits'(more) : '0) - SumBits'(grant_i);
      for (int unsigned c = 0; c < Classes; c++) waiting_q[c] <= waiting[c];
      if (accepted) requested_q[request_voq] <= request_credits_i;
      if (grant_i) begin
        granted_q[grant_voq] <= total;
        if (total == asked) waiting_q[traffic_class] <= waiting[traffic_class] & ~grants;
        slice_pointer_q[traffic_class] <= next_slice(slice);
        pointer_q[queue] <= leaf == LeafBits'(Leaves - 1) ? '0 : leaf + 1'b1;
        if (strict == '0) begin
          if (alone) begin  // the round starts afresh with the next rival
            deficit_q <= '0;
          end else if (stays) begin
            deficit_q <= deficit_q - 1'b1;
          end else begin
            current_q <= traffic_class;
            deficit_q <= cfg_weight_i[traffic_class*WeightBits +: WeightBits] - 1'b1;
          end
        end
        grant_leaf_o <= leaf;
        grant_traffic_class_o <= traffic_class;
        grant_credits_o <= total;
      end
    end
  end

  always_comb begin
    wanted_o = 1'b0;
    for (int unsigned c = 0; c < Classes; c++) wanted_o = wanted_o || waiting_q[c] != '0;
  end
  assign outstanding_o = outstanding_q;
  assign granted_o = granted_q[voq(granted_traffic_class_i, granted_leaf_i)];

  // --- properties -------------------------------------------------------------------------------

`ifdef FORMAL
  `define CONTRACT assume
  initial assume (!rst_ni);
`else
  `define CONTRACT assert
`endif

  function automatic logic [WeightBits-1:0] weight(input logic [ClassBits-1:0] of_class);
    weight = cfg_weight_i[of_class*WeightBits +: WeightBits];
  endfunction

  // Nobody starves. Each bound is on a count of others served while one waits, plus those that may
  // still be served before: its distance from the pointer of the round.
  //   In a slice: grants of the slice to other leaves, at most Leaves - 1.
  //   In a class: grants of the class to other slices between two of one slice, at most Slices - 1.
  //   Among weighted classes: grants to other classes between two of one, at most their weights.
  //   A strict class, and all weighted ones together, wait only while a higher class is served.
  localparam int unsigned RoundBits = WeightBits + ClassBits + 1;
  logic [LeafBits:0]    overtaken_q [Voqs];
  logic [SliceBits:0]   slice_overtaken_q [Classes*Slices];
  logic [RoundBits-1:0] class_overtaken_q [Classes];

  always_ff @(posedge clk_i) begin
    for (int unsigned c = 0; c < Classes; c++) begin
      for (int unsigned i = 0; i < Leaves; i++) begin
        if (!rst_ni || !waiting[c][i] || (grant_i && grant_voq == VoqBits'(c * Leaves + i))) begin
          overtaken_q[c*Leaves+i] <= '0;
        end else if (grant_i && traffic_class == ClassBits'(c) && members[slice][i]) begin
          overtaken_q[c*Leaves+i] <= overtaken_q[c*Leaves+i] + 1'b1;
        end
      end
      for (int unsigned s = 0; s < Slices; s++) begin
        if (!rst_ni || (waiting[c] & members[s]) == '0 ||
            (grant_i && queue == QueueBits'(c * Slices + s))) begin
          slice_overtaken_q[c*Slices+s] <= '0;
        end else if (grant_i && traffic_class == ClassBits'(c)) begin
          slice_overtaken_q[c*Slices+s] <= slice_overtaken_q[c*Slices+s] + 1'b1;
        end
      end
      if (!rst_ni || !weighted[c] || (grant_i && traffic_class == ClassBits'(c))) begin
        class_overtaken_q[c] <= '0;
      end else if (grant_i && strict == '0) begin
        class_overtaken_q[c] <= class_overtaken_q[c] + 1'b1;
      end
    end
  end

  // Leaves and slices from the pointer on to one, and grants to other weighted classes before it.
  function automatic logic [LeafBits:0] distance(input logic [LeafBits-1:0] to,
                                                 input logic [LeafBits-1:0] from);
    distance = {1'b0, to} - {1'b0, from} + (to < from ? (LeafBits + 1)'(Leaves) : '0);
  endfunction

  function automatic logic [SliceBits:0] slices_to(input logic [SliceBits-1:0] to,
                                                   input logic [SliceBits-1:0] from);
    slices_to = {1'b0, to} - {1'b0, from} + (to < from ? cfg_slices_i : '0);
  endfunction

  logic [RoundBits-1:0] weights [Classes];   // of all other weighted classes
  logic [RoundBits-1:0] before_it [Classes];
  logic [LeafBits:0]    leaf_bound [Voqs];   // bounds on the sums
  logic [SliceBits:0]   slice_bound [Classes*Slices];
  logic [CountBits-1:0] open [Voqs];         // asked for and not granted
  logic [CountBits-1:0] asked_ahead;
  logic [SumBits-1:0]   sum;

  always_comb begin
    sum = '0;
    asked_ahead = request_credits_i - granted_q[request_voq];
    for (int unsigned v = 0; v < Voqs; v++) begin
      open[v] = requested_q[v] - granted_q[v];
      sum = sum + SumBits'(open[v]);
    end
    for (int unsigned c = 0; c < Classes; c++) begin
      weights[c] = '0;
      before_it[c] = RoundBits'(deficit_q);
      for (int unsigned d = 0; d < Classes; d++) begin
        if (d != c && !cfg_strict_i[d]) begin
          weights[c] = weights[c] + RoundBits'(weight(ClassBits'(d)));
          // From the one whose turn it is round to this one.
          if (ClassBits'(c) > current_q ? d > 32'(current_q) && d < c
                                        : d > 32'(current_q) || d < c) begin
            before_it[c] = before_it[c] + RoundBits'(weight(ClassBits'(d)));
          end
        end
      end
      if (ClassBits'(c) == current_q) before_it[c] = deficit_q == '0 ? weights[c] : '0;
      for (int unsigned i = 0; i < Leaves; i++) leaf_bound[c*Leaves+i] = '0;
      for (int unsigned s = 0; s < Slices; s++) begin
        for (int unsigned i = 0; i < Leaves; i++) begin
          if (members[s][i]) begin
            leaf_bound[c*Leaves+i] = overtaken_q[c*Leaves+i] +
                                     distance(LeafBits'(i), pointer_q[c*Slices+s]);
          end
        end
        slice_bound[c*Slices+s] = slice_overtaken_q[c*Slices+s] +
                                  slices_to(SliceBits'(s), slice_pointer_q[c]);
      end
    end
  end

  always_ff @(posedge clk_i) begin
`ifdef FORMAL
    assume ($stable(cfg_strict_i) && $stable(cfg_weight_i) && $stable(cfg_slices_i));
    assume (cfg_slices_i != '0 && 32'(cfg_slices_i) <= Slices);
    for (int unsigned c = 0; c < Classes; c++) assume (weight(ClassBits'(c)) != '0);
`endif
    if (rst_ni) begin
      // The contract: leaves and classes are those that there are.
      c_voq: `CONTRACT (!request_i || (32'(request_leaf_i) < Leaves &&
                                       32'(request_traffic_class_i) < Classes));
      // The contract: a grant is asked for only when somebody waits.
      c_grant: `CONTRACT (!grant_i || waiting_classes != '0);
      // The contract: a VOQ asks for less than half the range of counts ahead of its grants.
      c_request: `CONTRACT (!accepted || !asked_ahead[CountBits-1]);

      // A grant is one-hot, and to one that waits, in the slice and class chosen.
      p_one_hot: assert ((grants & (grants - Leaves'(1))) == '0);
      p_waits: assert (waiting_classes == '0 ||
                       (grants != '0 && (grants & ~waiting[traffic_class]) == '0 &&
                        (grants & ~members[slice]) == '0 && grants == Leaves'(1) << leaf));
      // No class is served while a higher strict one, or a strict one above a weighted, waits.
      p_strict: assert (strict == '0 || (strict >> traffic_class) == Classes'(1));
      // Credits are conserved: those outstanding are the sum over all VOQs.
      p_outstanding: assert (outstanding_q == sum);
      // The pointers are numbers of classes, slices and leaves.
      p_current: assert (32'(current_q) < Classes);
      // A deficit is a weighted class's, and less than its weight.
      p_deficit: assert (deficit_q == '0 ||
                         (!cfg_strict_i[current_q] && deficit_q < weight(current_q)));
      for (int unsigned v = 0; v < Voqs; v++) begin
        // A VOQ waits exactly while it has asked for more than it has been granted, and none is
        // ever granted that was not asked for.
        assert (!open[v][CountBits-1]);
        assert (waiting_q[v/Leaves][v%Leaves] == (open[v] != '0));
        // No VOQ is overtaken in its slice more often than there are others.
        assert (32'(overtaken_q[v]) < Leaves);
        assert (waiting_q[v/Leaves][v%Leaves] ? 32'(leaf_bound[v]) < Leaves
                                              : overtaken_q[v] == '0);
      end
      for (int unsigned c = 0; c < Classes; c++) begin
        assert ({1'b0, slice_pointer_q[c]} < cfg_slices_i);
        // No class is overtaken by others of its kind more often than their weights are in sum.
        assert (class_overtaken_q[c] <= weights[c]);
        assert (waiting_q[c] != '0 && !cfg_strict_i[c]
                    ? class_overtaken_q[c] + before_it[c] <= weights[c]
                    : class_overtaken_q[c] == '0);
        for (int unsigned s = 0; s < Slices; s++) begin
          assert (32'(pointer_q[c*Slices+s]) < Leaves);
          // No slice is overtaken in its class more often than there are others.
          assert (slice_overtaken_q[c*Slices+s] < cfg_slices_i);
          assert ((waiting_q[c] & members[s]) != '0
                      ? slice_bound[c*Slices+s] < cfg_slices_i
                      : slice_overtaken_q[c*Slices+s] == '0);
        end
      end
    end
  end

`undef CONTRACT
endmodule
