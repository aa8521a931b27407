// Twin of models/parts/path_selector.h, spray_order.h and lfsr.h.
//
// Chooses among the equal-cost ports of a group, which are neighbours. At most one choice per
// cycle; port_o is combinational, and what it has drawn or learnt holds from the edge on.
module path_selector #(
    parameter int unsigned Ports = 4,   // at least 2
    parameter int unsigned Groups = 2,  // at least 2
    parameter int unsigned FlowletEntries = 16,  // a power of two
    localparam int unsigned PortBits = $clog2(Ports),
    localparam int unsigned CountBits = $clog2(Ports + 1),
    localparam int unsigned GroupBits = $clog2(Groups),
    localparam int unsigned FlowletBits = $clog2(FlowletEntries)
) (
    input  logic                        clk_i,
    input  logic                        rst_ni,
    input  logic [1:0]                  cfg_routing_i,      // Routing
    input  logic                        cfg_spray_random_i, // SprayPolicy
    input  logic [63:0]                 cfg_flowlet_gap_cycles_i,
    input  logic [63:0]                 cfg_salt_i,
    input  logic [63:0]                 cfg_random_i,       // first states; not 0
    input  logic [64*Groups-1:0]        cfg_spray_i,        // by group
    input  logic [PortBits*Groups-1:0]  cfg_first_i,        // by group: its first port
    input  logic [CountBits*Groups-1:0] cfg_count_i,        // and how many it has

    input  logic                        choose_i,
    input  logic                        among_i,            // only usable_i: at least one
    input  logic [Ports-1:0]            usable_i,
    input  logic [GroupBits-1:0]        group_i,
    input  logic [15:0]                 source_i,           // of the frame
    input  logic [15:0]                 destination_i,
    input  logic [31:0]                 flow_i,
    input  logic [63:0]                 now_i,
    input  logic [8*Ports-1:0]          grades_i,           // by port
    output logic [PortBits-1:0]         port_o,

    output logic [63:0]                 random_o,
    output logic [64*Groups-1:0]        spray_o
);
  localparam logic [1:0] Ecmp     = 2'd0;
  localparam logic [1:0] Flowlet  = 2'd1;
  localparam logic [1:0] Adaptive = 2'd2;
  localparam logic [1:0] Spray    = 2'd3;

  logic [63:0] random_q, spray_q [Groups];
  logic [Ports*PortBits-1:0] order_q [Groups];  // of this round: numbers of ports in their group
  logic [CountBits-1:0] position_q [Groups];    // of the next one
  logic [FlowletEntries-1:0] flowlet_used_q;
  logic [63:0] flowlet_last_q [FlowletEntries];
  logic [PortBits-1:0] flowlet_choice_q [FlowletEntries];

  // Random numbers: the next state, and a number in [0, bound) from it; `which`: those of a cycle.
`ifdef FORMAL
  // What holds for any hash, any next state but 0 and any draw below its bound, holds for these
  // functions (p_step, p_draw).
  (* anyseq *) logic [63:0] any_hash;
  (* anyseq *) logic [64*(Ports+1)-1:0] any_state;
  (* anyseq *) logic [PortBits*Ports-1:0] any_draw;
  function automatic logic [63:0] step(input logic [63:0] state, input int unsigned which);
    step = any_state[64*which +: 64];
    if (step == '0) step = 64'd1;
  endfunction
  function automatic logic [PortBits-1:0] draw(input logic [63:0] state, input logic [31:0] bound,
                                               input int unsigned which);
    draw = any_draw[which*PortBits +: PortBits];
    if (32'(draw) >= bound) draw = '0;
  endfunction
`else
  function automatic logic [63:0] step(input logic [63:0] state, input int unsigned which);
    step = heddle_pkg::lfsr_next(state);
  endfunction
  function automatic logic [PortBits-1:0] draw(input logic [63:0] state, input logic [31:0] bound,
                                               input int unsigned which);
    draw = PortBits'(heddle_pkg::below(state, bound));
  endfunction
`endif

  // --- who may be chosen ------------------------------------------------------------------------

  logic [PortBits-1:0] first;
  logic [CountBits-1:0] count, candidate_count, best_count;
  logic [Ports-1:0] candidates, best;
  logic [7:0] best_grade;
  logic alone;  // nothing to choose

  always_comb begin
    first           = cfg_first_i[32'(group_i)*PortBits +: PortBits];
    count           = cfg_count_i[32'(group_i)*CountBits +: CountBits];
    alone           = !among_i && count == CountBits'(1);
    candidates      = ({Ports{1'b1}} << first) & ~(({Ports{1'b1}} << first) << count);
    if (among_i) candidates = candidates & usable_i;
    candidate_count = '0;
    best_grade      = 8'hff;
    for (int unsigned p = 0; p < Ports; p++) begin
      candidate_count = candidate_count + CountBits'(candidates[p]);
      if (candidates[p] && grades_i[8*p +: 8] < best_grade) best_grade = grades_i[8*p +: 8];
    end
    best_count      = '0;
    for (int unsigned p = 0; p < Ports; p++) begin
      best[p]    = candidates[p] && grades_i[8*p +: 8] == best_grade;
      best_count = best_count + CountBits'(best[p]);
    end
  end

  // --- by flow, by flowlet, by grade, or at random ----------------------------------------------

  logic [63:0] hash, random_next, spray_next;
  logic [FlowletBits-1:0] entry;
  logic gap;
  logic [PortBits-1:0] flowlet_choice, drawn;

  always_comb begin
`ifdef FORMAL
    hash        = any_hash;
`else
    hash        = heddle_pkg::flow_hash(cfg_salt_i, source_i, destination_i, flow_i);
`endif
    entry       = hash[FlowletBits-1:0];
    random_next = step(random_q, 0);
    spray_next  = step(spray_q[group_i], Ports);

    // A flow keeps its port until it has been silent for long enough.
    gap = !flowlet_used_q[entry] || now_i - flowlet_last_q[entry] >= cfg_flowlet_gap_cycles_i;
    flowlet_choice = gap ? draw(random_next, 32'(candidate_count), 0)
                         : flowlet_choice_q[entry];
    case (cfg_routing_i)
      Ecmp:     drawn = draw(hash, 32'(candidate_count), 0);
      Flowlet:  drawn = PortBits'(CountBits'(flowlet_choice) % candidate_count);
      Adaptive: drawn = best_count == CountBits'(1)
                            ? '0 : draw(random_next, 32'(best_count), 0);
      default:  drawn = draw(spray_next, 32'(candidate_count), 0);
    endcase
  end

  // Number `drawn` of those that may be chosen.
  logic [PortBits-1:0] drawn_port;
  logic [CountBits-1:0] ahead;

  always_comb begin
    drawn_port = '0;
    ahead     = '0;
    for (int unsigned p = 0; p < Ports; p++) begin
      if (cfg_routing_i == Adaptive ? best[p] : candidates[p]) begin
        if (ahead == CountBits'(drawn)) drawn_port = PortBits'(p);
        ahead = ahead + CountBits'(1);
      end
    end
  end

  // --- in turn ----------------------------------------------------------------------------------

  // A round serves every port of the group once, in an order that is drawn afresh for each. The
  // turn passes by ports that may not be used; the next round has one that may.
  logic [63:0] shuffling;
  logic [Ports*PortBits-1:0] order, shuffled;
  logic [CountBits-1:0] this_turn, next_turn, position;
  logic this_round, new_round;
  logic [PortBits-1:0] place, moved, turn_port;

  always_comb begin
    shuffling = spray_q[group_i];
    shuffled  = order_q[group_i];
    place     = '0;
    moved     = '0;
    for (int unsigned i = Ports; i > 1; i--) begin
      if (CountBits'(i) <= count) begin
        shuffling = step(shuffling, i - 1);
        place     = draw(shuffling, i, i - 1);
        moved     = shuffled[(i-1)*PortBits +: PortBits];
        shuffled[(i-1)*PortBits +: PortBits]       = shuffled[32'(place)*PortBits +: PortBits];
        shuffled[32'(place)*PortBits +: PortBits] = moved;
      end
    end

    this_round = 1'b0;
    this_turn  = '0;
    next_turn  = '0;
    for (int unsigned i = Ports; i > 0; i--) begin
      if (CountBits'(i) <= count) begin
        moved = first + order_q[group_i][(i-1)*PortBits +: PortBits];
        if (CountBits'(i) > position_q[group_i] && candidates[moved]) begin
          this_round = 1'b1;
          this_turn  = CountBits'(i - 1);
        end
        moved = first + shuffled[(i-1)*PortBits +: PortBits];
        if (candidates[moved]) next_turn = CountBits'(i - 1);
      end
    end
    new_round = !this_round;
    order     = new_round ? shuffled : order_q[group_i];
    position  = new_round ? next_turn : this_turn;
    turn_port = first + order[32'(position)*PortBits +: PortBits];
  end

  // --- the choice -------------------------------------------------------------------------------

  logic in_turn;

  assign in_turn  = cfg_routing_i == Spray && !cfg_spray_random_i;
  assign port_o   = alone ? first : in_turn ? turn_port : drawn_port;
  assign random_o = random_q;
  always_comb begin
    for (int unsigned g = 0; g < Groups; g++) spray_o[64*g +: 64] = spray_q[g];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      random_q       <= cfg_random_i;
      flowlet_used_q <= '0;
    end else if (choose_i && !alone) begin
      if (cfg_routing_i == Flowlet) begin
        if (gap) random_q <= random_next;
        flowlet_used_q[entry]   <= 1'b1;
        flowlet_last_q[entry]   <= now_i;
        flowlet_choice_q[entry] <= flowlet_choice;
      end
      if (cfg_routing_i == Adaptive && best_count != CountBits'(1)) random_q <= random_next;
    end
    for (int unsigned g = 0; g < Groups; g++) begin
      if (!rst_ni) begin
        spray_q[g]    <= cfg_spray_i[64*g +: 64];
        position_q[g] <= cfg_count_i[g*CountBits +: CountBits];
        for (int unsigned i = 0; i < Ports; i++) order_q[g][i*PortBits +: PortBits] <= PortBits'(i);
      end else if (choose_i && !alone && cfg_routing_i == Spray && group_i == GroupBits'(g)) begin
        if (!in_turn) begin
          spray_q[g] <= spray_next;
        end else begin
          if (new_round) spray_q[g] <= shuffling;
          order_q[g]    <= order;
          position_q[g] <= position + CountBits'(1);
        end
      end
    end
  end

  // --- properties -------------------------------------------------------------------------------

  logic [Ports-1:0] served_q [Groups];    // in this round of the group
  logic [Ports-1:0] ordered [Groups];     // numbers in its order,
  logic [Ports-1:0] passed [Groups];      // and before its position
  logic [Ports-1:0] all_ports [Groups];

  always_comb begin
    for (int unsigned g = 0; g < Groups; g++) begin
      ordered[g]   = '0;
      passed[g]    = '0;
      all_ports[g] = ~({Ports{1'b1}} << cfg_count_i[g*CountBits +: CountBits]);
      for (int unsigned i = 0; i < Ports; i++) begin
        if (all_ports[g][i]) ordered[g][order_q[g][i*PortBits +: PortBits]] = 1'b1;
        if (CountBits'(i) < position_q[g]) passed[g][order_q[g][i*PortBits +: PortBits]] = 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned g = 0; g < Groups; g++) begin
      if (!rst_ni) begin
        served_q[g] <= all_ports[g];
      end else if (choose_i && !alone && in_turn && group_i == GroupBits'(g)) begin
        served_q[g] <= (new_round ? '0 : served_q[g]) | Ports'(1) << (port_o - first);
      end
    end
  end

  // The contract: groups of ports that there are, and somebody to choose.
  logic contract;
  always_comb begin
    contract = cfg_random_i != '0 && (!choose_i || candidates != '0);
    for (int unsigned g = 0; g < Groups; g++) begin
      if (cfg_count_i[g*CountBits +: CountBits] == '0 || cfg_spray_i[64*g +: 64] == '0 ||
          32'(cfg_first_i[g*PortBits +: PortBits]) + 32'(cfg_count_i[g*CountBits +: CountBits]) >
              Ports) begin
        contract = 1'b0;
      end
    end
  end

`ifdef FORMAL
  initial assume (!rst_ni);
  always_comb assume (contract);
  always_ff @(posedge clk_i) assume (cfg_count_i == $past(cfg_count_i));
`endif

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
`ifndef FORMAL
      // Whoever uses it keeps the contract.
      p_contract: assert (contract);
`endif
      // The choice is one of the group's ports, and usable.
      p_usable: assert (!choose_i || candidates[port_o]);
      // After a state that is not 0 comes none, and a draw is below its bound.
      p_step: assert (heddle_pkg::lfsr_next(random_q) != '0);
      p_draw: assert (!choose_i || heddle_pkg::below(random_q, 32'(candidate_count)) <
                                       32'(candidate_count));
      // Adaptive routing takes a lowest grade.
      p_lowest: assert (!choose_i || cfg_routing_i != Adaptive || alone || best[port_o]);
      // In turn, nobody is served twice in a round,
      p_once: assert (!choose_i || !in_turn || alone || new_round ||
                      !served_q[group_i][port_o - first]);
      for (int unsigned g = 0; g < Groups; g++) begin
        // which has all ports of the group in its order,
        assert (ordered[g] == all_ports[g]);
        // and has passed those that it has served.
        assert ((served_q[g] & ~passed[g]) == '0);
        assert (position_q[g] <= cfg_count_i[g*CountBits +: CountBits]);
        // The random numbers never come to rest.
        assert (spray_q[g] != '0);
      end
      p_random: assert (random_q != '0);
    end
  end

endmodule
