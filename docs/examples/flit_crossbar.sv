// An example of a user's own switch: an input-buffered crossbar with valid/ready flit ports.
//
// Each input has a buffer of four flits. Each output serves the inputs that want it in turn, one
// frame at a time: its flits stay together. Valid and ready are functions of registers alone. A
// flit needs two cycles from input to output.
module flit_crossbar #(
    parameter int unsigned Ports    = 8,
    parameter int unsigned FlitBits = 512,
    localparam int unsigned IndexBits = $clog2(Ports)
) (
    input  logic                       clk_i,
    input  logic                       rst_ni,
    input  logic [Ports-1:0]           in_valid_i,
    output logic [Ports-1:0]           in_ready_o,
    input  logic [Ports-1:0]           in_last_i,
    input  logic [Ports*IndexBits-1:0] in_dest_i,   // by which output the frame must leave
    input  logic [Ports*FlitBits-1:0]  in_data_i,
    output logic [Ports-1:0]           out_valid_o,
    input  logic [Ports-1:0]           out_ready_i,
    output logic [Ports-1:0]           out_last_o,
    output logic [Ports*FlitBits-1:0]  out_data_o
);
  localparam int unsigned Depth = 4;
  localparam int unsigned Bits  = 1 + IndexBits + FlitBits;

  // Input buffers.
  logic [Bits-1:0] buffer_q [Ports*Depth];  // last, dest, data
  logic [1:0] head_q [Ports];
  logic [2:0] level_q [Ports];

  // Outputs: the input that each serves, and a register.
  logic [Ports-1:0]     busy_q;
  logic [IndexBits-1:0] serves_q [Ports];
  logic [IndexBits-1:0] turn_q [Ports];

  logic [Bits-1:0] first [Ports];  // flit at the head of each input
  logic [Ports-1:0] taken;         // inputs whose first flit moves on
  logic [IndexBits-1:0] from;
  logic found;

  always_comb begin
    for (int unsigned p = 0; p < Ports; p++) begin
      first[p]      = buffer_q[p*Depth+{30'd0, head_q[p]}];
      in_ready_o[p] = level_q[p] != 3'(Depth);
    end
  end

  // Which input each output takes a flit from; decided output by output.
  logic [Ports-1:0] moves;
  logic [IndexBits-1:0] source [Ports];
  always_comb begin
    taken = '0;
    moves = '0;
    from  = '0;
    found = 1'b0;
    for (int unsigned o = 0; o < Ports; o++) begin
      source[o] = serves_q[o];
      found     = busy_q[o] && level_q[serves_q[o]] != '0;
      if (!busy_q[o]) begin
        for (int unsigned i = 0; i < Ports; i++) begin
          from = IndexBits'((32'(turn_q[o]) + i) % Ports);
          if (!found && level_q[from] != '0 && !taken[from] && !held(from) &&
              first[from][FlitBits+:IndexBits] == IndexBits'(o)) begin
            found     = 1'b1;
            source[o] = from;
          end
        end
      end
      if (found && (!out_valid_o[o] || out_ready_i[o])) begin
        moves[o]         = 1'b1;
        taken[source[o]] = 1'b1;
      end
    end
  end

  // In the middle of a frame an input belongs to the output that serves it.
  function automatic logic held(input logic [IndexBits-1:0] i);
    held = 1'b0;
    for (int unsigned o = 0; o < Ports; o++) held = held | (busy_q[o] && serves_q[o] == i);
  endfunction

  always_ff @(posedge clk_i) begin
    for (int unsigned o = 0; o < Ports; o++) begin
      if (!rst_ni) begin
        busy_q[o]      <= 1'b0;
        turn_q[o]      <= '0;
        serves_q[o]    <= '0;
        out_valid_o[o] <= 1'b0;
      end else if (moves[o]) begin
        out_valid_o[o]                    <= 1'b1;
        out_last_o[o]                     <= first[source[o]][Bits-1];
        out_data_o[o*FlitBits+:FlitBits]  <= first[source[o]][FlitBits-1:0];
        busy_q[o]                         <= !first[source[o]][Bits-1];
        serves_q[o]                       <= source[o];
        turn_q[o]                         <= IndexBits'((32'(source[o]) + 1) % Ports);
      end else if (out_ready_i[o]) begin
        out_valid_o[o] <= 1'b0;
      end
    end
    for (int unsigned i = 0; i < Ports; i++) begin
      if (!rst_ni) begin
        head_q[i]  <= '0;
        level_q[i] <= '0;
      end else begin
        if (in_valid_i[i] && in_ready_o[i]) begin
          buffer_q[i*Depth+{30'd0, 2'(head_q[i] + level_q[i][1:0])}] <=
              {in_last_i[i], in_dest_i[i*IndexBits+:IndexBits], in_data_i[i*FlitBits+:FlitBits]};
        end
        if (taken[i]) head_q[i] <= head_q[i] + 2'd1;
        level_q[i] <= level_q[i] + 3'(in_valid_i[i] && in_ready_o[i]) - 3'(taken[i]);
      end
    end
  end
endmodule
