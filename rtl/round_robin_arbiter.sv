// Twin of models/parts/round_robin_arbiter.h.
//
// Picks one of Ports requesters in turn. The pick is combinational; the pointer moves at the clock
// edge, and only when the user says so, since iSLIP moves it only behind grants that were accepted.
module round_robin_arbiter #(
    parameter int unsigned Ports = 8,  // at least 2
    localparam int unsigned IndexBits = $clog2(Ports)
) (
    input  logic                 clk_i,
    input  logic                 rst_ni,
    input  logic [Ports-1:0]     requests_i,
    output logic [Ports-1:0]     grant_o,       // one-hot; 0 without requests
    output logic [IndexBits-1:0] port_o,        // its number
    input  logic                 move_i,        // from the next cycle on,
    input  logic [IndexBits-1:0] move_behind_i, // this port comes last
    output logic [IndexBits-1:0] pointer_o
);
  logic [IndexBits-1:0] pointer_q;
  logic [Ports-1:0] ahead, candidates;

  // Those at or after the pointer come first; of the candidates the lowest.
  assign ahead      = requests_i & ({Ports{1'b1}} << pointer_q);
  assign candidates = ahead != '0 ? ahead : requests_i;
  assign grant_o    = candidates & (~candidates + Ports'(1));
  assign pointer_o  = pointer_q;

  always_comb begin
    port_o = '0;
    for (int unsigned i = 0; i < Ports; i++) begin
      if (grant_o[i]) port_o = port_o | IndexBits'(i);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      pointer_q <= '0;
    end else if (move_i) begin
      pointer_q <= move_behind_i == IndexBits'(Ports - 1) ? '0 : move_behind_i + IndexBits'(1);
    end
  end

  // --- properties -------------------------------------------------------------------------------

  // How many others were served while each requester asked without a break, as long as the pointer
  // moves behind every grant.
  logic [IndexBits:0] overtaken_q [Ports];

  always_ff @(posedge clk_i) begin
    for (int unsigned p = 0; p < Ports; p++) begin
      if (!rst_ni || !requests_i[p] || grant_o[p] || !move_i || move_behind_i != port_o) begin
        overtaken_q[p] <= '0;
      end else begin
        overtaken_q[p] <= overtaken_q[p] + 1'b1;
      end
    end
  end

`ifdef FORMAL
  initial assume (!rst_ni);
`endif

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      // The pointer is the number of a port.
      p_pointer: assert ({1'b0, pointer_q} < (IndexBits + 1)'(Ports));
      // A grant is one-hot.
      p_one_hot: assert ((grant_o & (grant_o - Ports'(1))) == '0);
      // Only a requester is granted.
      p_requested: assert ((grant_o & ~requests_i) == '0);
      // Somebody is granted when anybody asks.
      p_work_conserving: assert ((grant_o == '0) == (requests_i == '0));
      // port_o is the granted one.
      p_port: assert (requests_i == '0 || grant_o == Ports'(1) << port_o);
      for (int unsigned p = 0; p < Ports; p++) begin
        // Nobody is overtaken more often than there are others: none starves.
        assert ({1'b0, overtaken_q[p]} < (IndexBits + 2)'(Ports));
      end
    end
  end

endmodule
