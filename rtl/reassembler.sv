// Twin of models/parts/reassembler.h.
//
// Puts the cells of each source back in the order in which they were cut. A cell that is next in order
// goes out at the edge at which it comes; one that is early waits in a window. What waits behind it
// follows, one cell per cycle, while busy_o; the user makes the next call when that is over. So a call
// of the model that hands over n cells takes n cycles here, and n + losses + 2 if it expires.
//
// expire gives up the missing cells of a source before its next one that has waited since
// expire_before_i or longer: lost_o, and on behind them, until none has.
//
// The user keeps the contract: it does not call while busy_o, brings no late cell (is_late_o), none
// outside the window and none twice.
module reassembler #(
    parameter int unsigned Sources = 4,        // at least 2
    parameter int unsigned Window = 16,        // cells; a power of two, at least 2
    parameter int unsigned SequenceBits = 32,  // of the cells' numbers, which wrap
    parameter int unsigned TimeBits = 32,      // of the cycle of arrival
    localparam int unsigned SourceBits = $clog2(Sources),
    localparam int unsigned IndexBits = $clog2(Window),
    localparam int unsigned HeldBits = SourceBits + IndexBits + 1
) (
    input  logic                    clk_i,
    input  logic                    rst_ni,
    // A cell has come.
    input  logic                    arrive_i,
    input  logic [SourceBits-1:0]   arrive_source_i,
    input  heddle_pkg::frame_t      arrive_cell_i,
    input  logic [TimeBits-1:0]     now_i,
    // Or missing cells are given up.
    input  logic                    expire_i,
    input  logic [SourceBits-1:0]   expire_source_i,
    input  logic [TimeBits-1:0]     expire_before_i,
    output logic                    expire_waits_o,  // when it is over: a cell still waits,
    output logic [TimeBits-1:0]     expire_since_o,  // the next one since then
    // What a call does.
    output logic                    in_order_o,
    output heddle_pkg::frame_t      in_order_cell_o,
    output logic                    lost_o,
    output logic                    busy_o,
    // Cells that wait for an earlier one, and their payload.
    output logic [HeldBits-1:0]     held_o,
    output logic [HeldBits+15:0]    held_bytes_o,
    // What is read of one source.
    input  logic [SourceBits-1:0]   source_i,
    input  logic [SequenceBits-1:0] sequence_i,
    output logic                    is_late_o,  // a cell with this number
    output logic [SequenceBits-1:0] expected_o,
    output logic [IndexBits:0]      held_source_o
);
  logic [SequenceBits-1:0] expected_q [Sources];
  logic [Window-1:0]       waits_q [Sources];  // by number modulo Window
  logic [IndexBits:0]      waiting_q [Sources];
  logic [HeldBits-1:0]     held_q;
  logic [HeldBits+15:0]    held_bytes_q;
  logic [191:0]            slots_q [Sources*Window];  // by source and number modulo Window
  logic [TimeBits-1:0]     since_q [Sources*Window];  // in the same order: cycle of arrival
  // The call that goes on.
  logic [SourceBits-1:0]   source_q;
  logic                    expiring_q;
  logic [TimeBits-1:0]     before_q;

  // The cell that comes.
  logic [SequenceBits-1:0] arrive_sequence, ahead;
  logic [IndexBits-1:0]    arrive_index;

  assign arrive_sequence = SequenceBits'(arrive_cell_i.sequence_number);
  assign arrive_index = arrive_sequence[IndexBits-1:0];
  assign ahead = arrive_sequence - expected_q[arrive_source_i];

  // The cell that is next in order, if it waits; else the first that does, so far ahead.
  logic [SequenceBits-1:0] expected;
  logic [IndexBits-1:0]    index, distance, first;
  logic                    ready;
  heddle_pkg::frame_t      next;

  assign expected = expected_q[source_q];
  assign index = expected[IndexBits-1:0];
  assign ready = waits_q[source_q][index];
  assign next = slots_q[{source_q, index}];
  assign first = index + distance;

  always_comb begin
    distance = '0;
    for (int unsigned i = Window; i > 0; i--) begin
      if (waits_q[source_q][index+IndexBits'(i-1)]) distance = IndexBits'(i - 1);
    end
  end

  always_ff @(posedge clk_i) begin
    in_order_o <= 1'b0;
    lost_o <= 1'b0;
    if (!rst_ni) begin
      for (int unsigned s = 0; s < Sources; s++) begin
        expected_q[s] <= '0;
        waits_q[s] <= '0;
        waiting_q[s] <= '0;
      end
      held_q <= '0;
      held_bytes_q <= '0;
      source_q <= '0;
      expiring_q <= 1'b0;
      before_q <= '0;
      expire_waits_o <= 1'b0;
      expire_since_o <= '0;
      in_order_cell_o <= '0;
    end else if (arrive_i) begin
      source_q <= arrive_source_i;
      if (ahead == '0) begin
        expected_q[arrive_source_i] <= expected_q[arrive_source_i] + 1'b1;
        in_order_o <= 1'b1;
        in_order_cell_o <= arrive_cell_i;
      end else begin
        waits_q[arrive_source_i][arrive_index] <= 1'b1;
        since_q[{arrive_source_i, arrive_index}] <= now_i;
        waiting_q[arrive_source_i] <= waiting_q[arrive_source_i] + 1'b1;
        held_q <= held_q + 1'b1;
        held_bytes_q <= held_bytes_q + (HeldBits + 16)'(arrive_cell_i.payload_bytes);
      end
    end else if (expire_i) begin
      source_q <= expire_source_i;
      before_q <= expire_before_i;
      expiring_q <= 1'b1;
    end else if (ready) begin
      expected_q[source_q] <= expected + 1'b1;
      waits_q[source_q][index] <= 1'b0;
      waiting_q[source_q] <= waiting_q[source_q] - 1'b1;
      held_q <= held_q - 1'b1;
      held_bytes_q <= held_bytes_q - (HeldBits + 16)'(next.payload_bytes);
      in_order_o <= 1'b1;
      in_order_cell_o <= next;
    end else if (expiring_q) begin
      expire_waits_o <= waiting_q[source_q] != '0;
      expire_since_o <= since_q[{source_q, first}];
      if (waiting_q[source_q] != '0 && since_q[{source_q, first}] <= before_q) begin
        expected_q[source_q] <= expected + SequenceBits'(distance);
        lost_o <= 1'b1;
      end else begin
        expiring_q <= 1'b0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (arrive_i && ahead != '0) slots_q[{arrive_source_i, arrive_index}] <= arrive_cell_i;
  end

  logic [SequenceBits-1:0] beyond;
  assign beyond = sequence_i - expected_q[source_i];

  assign busy_o        = ready || expiring_q;
  assign held_o        = held_q;
  assign held_bytes_o  = held_bytes_q;
  assign is_late_o     = beyond[SequenceBits-1];
  assign expected_o    = expected_q[source_i];
  assign held_source_o = waiting_q[source_i];

  // --- properties -------------------------------------------------------------------------------

`ifdef FORMAL
  `define CONTRACT assume
  initial assume (!rst_ni);
`else
  `define CONTRACT assert
`endif

  // Counted since reset, modulo their range: cells that came and that went out; and the number that
  // the next one to go out must have, which only a loss moves on.
  logic [15:0]             arrived_q, emitted_q;
  logic [SequenceBits-1:0] due_q [Sources];
  logic [SourceBits-1:0]   emitted_source_q;  // of what is at in_order_cell_o and lost_o
  logic [SequenceBits-1:0] skipped_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      arrived_q <= '0;
      emitted_q <= '0;
      emitted_source_q <= '0;
      skipped_q <= '0;
      for (int unsigned s = 0; s < Sources; s++) due_q[s] <= '0;
    end else begin
      arrived_q <= arrived_q + 16'(arrive_i);
      emitted_q <= emitted_q + 16'(in_order_o);
      emitted_source_q <= arrive_i ? arrive_source_i : source_q;
      skipped_q <= SequenceBits'(distance);
      if (in_order_o) due_q[emitted_source_q] <= due_q[emitted_source_q] + 1'b1;
      if (lost_o) due_q[emitted_source_q] <= due_q[emitted_source_q] + skipped_q;
    end
  end

  // Helpers: what waits in each slot, and how far ahead of the next in order.
  logic [SequenceBits-1:0] number [Sources*Window];
  logic [SequenceBits-1:0] early [Sources*Window];
  logic [IndexBits:0]      count [Sources];
  logic [HeldBits-1:0]     sum;
  logic [SequenceBits-1:0] due [Sources];  // due_q, once the present outputs are counted

  always_comb begin
    sum = '0;
    for (int unsigned s = 0; s < Sources; s++) begin
      count[s] = '0;
      sum = sum + HeldBits'(waiting_q[s]);
      due[s] = due_q[s];
      if (emitted_source_q == SourceBits'(s) && in_order_o) due[s] = due_q[s] + 1'b1;
      if (emitted_source_q == SourceBits'(s) && lost_o) due[s] = due_q[s] + skipped_q;
      for (int unsigned i = 0; i < Window; i++) begin
        number[s*Window+i] = SequenceBits'(slots_q[s*Window+i][159:128]);  // sequence_number
        early[s*Window+i] = number[s*Window+i] - expected_q[s];
        if (waits_q[s][i]) count[s] = count[s] + 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      // The contract: one call at a time, of a source that there is.
      c_call: `CONTRACT (!((arrive_i || expire_i) && busy_o) && !(arrive_i && expire_i));
      c_source: `CONTRACT ((!arrive_i || 32'(arrive_source_i) < Sources) &&
                           (!expire_i || 32'(expire_source_i) < Sources));
      // The contract: a cell is not late, not outside the window, and did not come before.
      c_window: `CONTRACT (!arrive_i || ahead < SequenceBits'(Window));
      c_once: `CONTRACT (!arrive_i || ahead == '0 || !waits_q[arrive_source_i][arrive_index]);

      // Cells go out in the order of their numbers: each has the one behind the last, or behind
      // those that were given up.
      p_order: assert (!in_order_o || due_q[emitted_source_q] ==
                       SequenceBits'(in_order_cell_o.sequence_number));
      // Not both at once.
      p_lost: assert (!in_order_o || !lost_o);
      // No cell is lost or doubled: what came has gone out or waits.
      p_conserved: assert (16'(arrived_q - emitted_q) == 16'(held_q) + 16'(in_order_o));
      p_held: assert (held_q == sum);
      p_source: assert (32'(source_q) < Sources && 32'(emitted_source_q) < Sources);
      for (int unsigned s = 0; s < Sources; s++) begin
        assert (waiting_q[s] == count[s]);
        assert (due[s] == expected_q[s]);
        // While no call goes on, the next in order is not there: nothing waits without reason.
        assert (SourceBits'(s) == source_q || !waits_q[s][expected_q[s][IndexBits-1:0]]);
        for (int unsigned i = 0; i < Window; i++) begin
          // What waits is in the window of its source, in its place.
          assert (!waits_q[s][i] || (early[s*Window+i] < SequenceBits'(Window) &&
                                     number[s*Window+i][IndexBits-1:0] == IndexBits'(i)));
        end
      end
    end
  end

`undef CONTRACT
endmodule
