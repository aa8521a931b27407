// Twin of models/parts/islip_matcher.h.
//
// One matching per cycle between inputs and outputs: request, grant, accept, Iterations times for
// the ports that are left. The matching is combinational; the pointers move at the clock edge, if a
// matching is made in this cycle, and only behind the pairs of its first iteration.
module islip_matcher #(
    parameter int unsigned Ports = 4,  // at least 2
    parameter int unsigned Iterations = 2,
    localparam int unsigned IndexBits = $clog2(Ports)
) (
    input  logic                       clk_i,
    input  logic                       rst_ni,
    input  logic                       match_i,         // a matching is made
    input  logic [Ports*Ports-1:0]     inputs_for_i,    // by output, the inputs that ask for it
    input  logic [Ports-1:0]           free_inputs_i,   // that may be matched
    input  logic [Ports-1:0]           free_outputs_i,
    output logic [Ports-1:0]           outputs_o,       // that have an input,
    output logic [Ports*IndexBits-1:0] input_o,         // by output: this one; 0 without
    output logic [Ports*IndexBits-1:0] grant_pointer_o, // by output
    output logic [Ports*IndexBits-1:0] accept_pointer_o // by input
);
  logic [Ports*IndexBits-1:0] grant_pointer_q, accept_pointer_q;
  logic [Ports-1:0] free_inputs, free_outputs;
  logic [Ports-1:0] asking, chosen;
  logic [Ports*Ports-1:0] grants_for;          // by input: outputs
  logic [Ports*Ports-1:0] pairs, first_pairs;  // by output: its input as one bit

  // The rule of round_robin_arbiter: the first at or after the pointer, as one bit.
  function automatic logic [Ports-1:0] pick(input logic [Ports-1:0] requests,
                                            input logic [IndexBits-1:0] pointer);
    logic [Ports-1:0] ahead;
    ahead = requests & ({Ports{1'b1}} << pointer);
    if (ahead == '0) ahead = requests;
    pick = ahead & (~ahead + Ports'(1));
  endfunction

  function automatic logic [IndexBits-1:0] number(input logic [Ports-1:0] one_hot);
    number = '0;
    for (int unsigned i = 0; i < Ports; i++) begin
      if (one_hot[i]) number = number | IndexBits'(i);
    end
  endfunction

  function automatic logic [IndexBits-1:0] behind(input logic [IndexBits-1:0] port);
    behind = port == IndexBits'(Ports - 1) ? '0 : port + IndexBits'(1);
  endfunction

  always_comb begin
    free_inputs  = free_inputs_i;
    free_outputs = free_outputs_i;
    asking       = '0;
    chosen       = '0;
    pairs        = '0;
    first_pairs  = '0;
    grants_for   = '0;
    for (int unsigned iteration = 0; iteration < Iterations; iteration++) begin
      // Grant: each free output to one of the free inputs that ask for it.
      for (int unsigned o = 0; o < Ports; o++) begin
        asking = inputs_for_i[o*Ports +: Ports] & free_inputs & {Ports{free_outputs[o]}};
        chosen = pick(asking, grant_pointer_q[o*IndexBits +: IndexBits]);
        for (int unsigned i = 0; i < Ports; i++) grants_for[i*Ports + o] = chosen[i];
      end
      // Accept: each of these inputs one of its outputs.
      for (int unsigned i = 0; i < Ports; i++) begin
        chosen = pick(grants_for[i*Ports +: Ports], accept_pointer_q[i*IndexBits +: IndexBits]);
        for (int unsigned o = 0; o < Ports; o++) begin
          if (chosen[o]) pairs[o*Ports + i] = 1'b1;
        end
        if (chosen != '0) free_inputs[i] = 1'b0;
        free_outputs = free_outputs & ~chosen;
      end
      if (iteration == 0) first_pairs = pairs;
    end
  end

  always_comb begin
    for (int unsigned o = 0; o < Ports; o++) begin
      outputs_o[o] = pairs[o*Ports +: Ports] != '0;
      input_o[o*IndexBits +: IndexBits] = number(pairs[o*Ports +: Ports]);
    end
  end
  assign grant_pointer_o  = grant_pointer_q;
  assign accept_pointer_o = accept_pointer_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      grant_pointer_q  <= '0;
      accept_pointer_q <= '0;
    end else if (match_i) begin
      for (int unsigned o = 0; o < Ports; o++) begin
        for (int unsigned i = 0; i < Ports; i++) begin
          if (first_pairs[o*Ports + i]) begin
            grant_pointer_q[o*IndexBits +: IndexBits]  <= behind(IndexBits'(i));
            accept_pointer_q[i*IndexBits +: IndexBits] <= behind(IndexBits'(o));
          end
        end
      end
    end
  end

  // --- properties -------------------------------------------------------------------------------

  // Nobody starves. The inputs that ask an output in one matching, while all ports are free, and do
  // not get it, are owed it. While each of them asks until it is served, as a queue does, it waits
  // for less than Bound matchings: `rank`, the most that can still come, falls in each. An output
  // serves its owed inputs in the order of its pointer. The first of them is granted in every
  // matching until it accepts, which is at the latest when its own pointer has come round. That
  // takes Ports matchings, and begins anew only when a nearer input asks or the pointer moves on.
  localparam int unsigned Bound = Ports * Ports * (Ports + 1) / 2;
  localparam int unsigned PlaceBits = IndexBits + 1;
  localparam int unsigned BoundBits = $clog2(Bound);

`ifdef FORMAL
  (* anyconst *) logic [IndexBits-1:0] watched_input, watched_output;
`else
  logic [IndexBits-1:0] watched_input, watched_output;  // all in turn
`endif
  logic [Ports-1:0] watched_requests, watched_pair, owed_still, owed_q, first;
  logic [IndexBits-1:0] watched_pointer;
  logic [BoundBits-1:0] waited_q, waited, turns, nearer, rank;
  logic [PlaceBits-1:0] far, own;
  logic all_free, patient;

  function automatic logic [PlaceBits-1:0] distance(input logic [IndexBits-1:0] from,
                                                    input logic [IndexBits-1:0] to);
    distance = PlaceBits'(to) - PlaceBits'(from) + (to < from ? PlaceBits'(Ports) : '0);
  endfunction

  always_comb begin
    watched_requests = '0;
    watched_pair     = '0;
    watched_pointer  = '0;
    for (int unsigned o = 0; o < Ports; o++) begin
      if (watched_output == IndexBits'(o)) begin
        watched_requests = inputs_for_i[o*Ports +: Ports];
        watched_pair     = pairs[o*Ports +: Ports];
        watched_pointer  = grant_pointer_q[o*IndexBits +: IndexBits];
      end
    end
    all_free   = &free_inputs_i && &free_outputs_i;
    patient    = all_free && (owed_q & ~watched_requests) == '0;
    owed_still = all_free ? watched_requests & ~watched_pair : '0;
    waited     = patient && owed_q[watched_input] ? waited_q : '0;

    // With the pointer d before the watched input, e before the first that is owed, and that one's
    // own pointer a before the output: Ports * (d (d + 1) / 2 + e) + a.
    first = pick(owed_q, watched_pointer);
    far    = '0;
    own    = '0;
    turns  = '0;
    nearer = '0;
    for (int unsigned i = 0; i < Ports; i++) begin
      if (distance(watched_pointer, watched_input) == PlaceBits'(i)) begin
        turns = turns | BoundBits'(Ports * (i * (i + 1) / 2));
      end
      if (first[i]) begin
        far = far | distance(watched_pointer, IndexBits'(i));
        own = own | distance(accept_pointer_q[i*IndexBits +: IndexBits], watched_output);
      end
    end
    for (int unsigned i = 0; i < Ports; i++) begin
      if (far == PlaceBits'(i)) nearer = nearer | BoundBits'(Ports * i);
    end
    rank = turns + nearer + BoundBits'(own);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      owed_q   <= '0;
      waited_q <= '0;
    end else if (match_i) begin
      owed_q   <= owed_still;
      waited_q <= owed_still[watched_input] ? waited + 1'b1 : '0;
    end
  end

`ifndef FORMAL
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      watched_input  <= '0;
      watched_output <= '0;
    end else if (match_i && !owed_still[watched_input]) begin
      watched_input <= behind(watched_input);
      if (watched_input == IndexBits'(Ports - 1)) watched_output <= behind(watched_output);
    end
  end
`endif

  logic [Ports-1:0] used_inputs, used_twice, left, moved;
  logic [Ports*Ports-1:0] past_pairs_q;
  logic [Ports*IndexBits-1:0] past_pointer_q;

  always_ff @(posedge clk_i) begin
    past_pairs_q   <= rst_ni && match_i ? pairs : '0;
    past_pointer_q <= rst_ni ? grant_pointer_q : '0;
  end

  always_comb begin
    used_inputs = '0;
    used_twice  = '0;
    left        = '0;
    moved       = '0;
    for (int unsigned o = 0; o < Ports; o++) begin
      used_twice  = used_twice | (used_inputs & pairs[o*Ports +: Ports]);
      used_inputs = used_inputs | pairs[o*Ports +: Ports];
    end
    for (int unsigned o = 0; o < Ports; o++) begin
      left[o] = free_outputs_i[o] && !outputs_o[o] &&
                (inputs_for_i[o*Ports +: Ports] & free_inputs_i & ~used_inputs) != '0;
      moved[o] = grant_pointer_q[o*IndexBits +: IndexBits] !=
                 past_pointer_q[o*IndexBits +: IndexBits];
    end
  end

`ifdef FORMAL
  initial assume (!rst_ni);
  always_comb assume ({1'b0, watched_input} < (IndexBits + 1)'(Ports));
  always_comb assume ({1'b0, watched_output} < (IndexBits + 1)'(Ports));
`endif

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      for (int unsigned p = 0; p < Ports; p++) begin
        // The pointers are numbers of ports.
        assert ({1'b0, grant_pointer_q[p*IndexBits +: IndexBits]} < (IndexBits + 1)'(Ports));
        assert ({1'b0, accept_pointer_q[p*IndexBits +: IndexBits]} < (IndexBits + 1)'(Ports));
        // An output has at most one input,
        assert ((pairs[p*Ports +: Ports] & (pairs[p*Ports +: Ports] - Ports'(1))) == '0);
        // one that is free and asks for it, if the output is free.
        assert ((pairs[p*Ports +: Ports] &
                 ~(inputs_for_i[p*Ports +: Ports] & free_inputs_i & {Ports{free_outputs_i[p]}}))
                == '0);
        // It is input_o.
        assert (!outputs_o[p] ||
                pairs[p*Ports +: Ports] == Ports'(1) << input_o[p*IndexBits +: IndexBits]);
      end
      // A pointer moves only behind a pair that was made, and that of the input moves with it.
      for (int unsigned o = 0; o < Ports; o++) begin
        for (int unsigned i = 0; i < Ports; i++) begin
          if (moved[o] && grant_pointer_q[o*IndexBits +: IndexBits] == behind(IndexBits'(i))) begin
            assert (past_pairs_q[o*Ports + i] &&
                    accept_pointer_q[i*IndexBits +: IndexBits] == behind(IndexBits'(o)));
          end
        end
      end
      // An input has at most one output.
      p_one_to_one: assert (used_twice == '0);
      // Somebody is matched when any free input asks for a free output.
      p_work_conserving: assert (outputs_o != '0 || left == '0);
      // With as many iterations as ports, no two are left that ask for each other.
      p_maximal: assert (Iterations < Ports || left == '0);
      // What waits, gets its turn within the bound.
      p_served: assert (!owed_q[watched_input] ||
                        {1'b0, waited_q} + {1'b0, rank} < (BoundBits + 1)'(Bound));
    end
  end

endmodule
