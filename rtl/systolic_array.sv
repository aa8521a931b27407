// Twin of the StationaryGrid<Int8Operands> of models/parts/pe_grid.h.
//
// A weight-stationary array of Rows x Columns processing elements (PEs) with shadow weights. Whole
// rows and columns enter; row i gets what enters i cycles later than row 0, column j gets what comes
// from above j cycles later than column 0, by delays in front of the array. So an operand that enters
// at one edge meets PE (i, j) at the edge i + j later, and its sum leaves column j, as a register, at
// the edge Rows - 1 + j later.
//
// Orders move with the operands, from row 0 down the left side and to the right in each row: exchange
// (the shadow becomes the weight, for the operand that brings the order too), clear (the shadows of
// the tile before are void) and load (a shadow takes the operand that passes it from above). All that
// enters at one edge passes each PE at one edge, in this order; so a tile may begin to load with the
// pass that takes the tile before, and a pass may start behind the last rows of its tile.
//
// All PEs step at each edge, from the last to the first: each reads what its neighbours above and to
// the left held before.
module systolic_array #(
    parameter int unsigned Rows = 8,         // at least 2
    parameter int unsigned Columns = 8,      // at least 2
    parameter int unsigned LoadRows = 4,     // rows of a tile that enter at one edge
    parameter int unsigned OperandBits = 8,
    parameter int unsigned SumBits = 32,     // at least 2 * OperandBits; sums wrap
    localparam int unsigned TileBits = LoadRows * OperandBits
) (
    input  logic                            clk_i,
    input  logic                            rst_ni,
    // Rows of a stationary tile, the first LoadRows of a new one with load_first_i.
    input  logic                            load_valid_i,
    input  logic                            load_first_i,
    input  logic [LoadRows*Columns*OperandBits-1:0] load_data_i,  // row by row
    // An operand for each row; with move_exchange_i the weights are those loaded last from here on.
    input  logic                            move_valid_i,
    input  logic                            move_exchange_i,
    input  logic [Rows*OperandBits-1:0]     move_data_i,
    // A sum of each column.
    output logic [Columns-1:0]              result_valid_o,
    output logic [Columns*SumBits-1:0]      result_data_o
);
  // The tile's rows count in groups of LoadRows; Groups stands for those that no row takes.
  localparam int unsigned Groups = (Rows + LoadRows - 1) / LoadRows;
  localparam int unsigned GroupBits = $clog2(Groups + 1);
  localparam int unsigned Pes = Rows * Columns;
  localparam int unsigned RowDelays = Rows * (Rows - 1) / 2;
  localparam int unsigned ColumnDelays = Columns * (Columns - 1) / 2;

  // What has entered, on its way down the left side: entry i reaches row i + 1 at the next edge.
  logic [Rows-2:0]        moves_down_q, exchange_down_q, clear_down_q, load_down_q;
  logic [GroupBits-1:0]   group_down_q [Rows-1];
  logic [GroupBits-1:0]   group_q, group;
  // Operands in front of row i, at i * (i - 1) / 2 and the i - 1 places behind, the newest first.
  logic [OperandBits-1:0] row_delay_q [RowDelays];
  // Rows of a tile in front of column j, likewise.
  logic [TileBits-1:0]    column_delay_q [ColumnDelays];

  // In the PEs; PE (i, j) is number i * Columns + j, or bit j of row i.
  logic [Columns-1:0]     moves_q [Rows], exchange_q [Rows], clear_q [Rows], load_q [Rows];
  logic [OperandBits-1:0] moving_q [Pes];
  logic [TileBits-1:0]    falling_q [Pes - Columns];  // the last row hands nothing on
  logic [OperandBits-1:0] shadow_q [Pes], weight_q [Pes];
  logic [Columns-1:0]     loaded_q [Rows];            // the shadow belongs to the tile loaded last
  logic [SumBits-1:0]     sum_q [Pes];

  // Of one row, and of one PE.
  logic [Columns-1:0]     moves, exchange, clear, load;
  logic [OperandBits-1:0] operand;
  logic [TileBits-1:0]    falling;
  logic [SumBits-1:0]     above;

  // Orders of row i move to the right by one PE.
  task move_orders(input int unsigned i);
    moves = moves_q[i] << 1;
    exchange = exchange_q[i] << 1;
    clear = clear_q[i] << 1;
    load = load_q[i] << 1;
    if (i == 0) begin
      moves[0] = move_valid_i;
      exchange[0] = move_valid_i && move_exchange_i;
      clear[0] = load_valid_i && load_first_i;
      load[0] = load_valid_i && group == '0;
    end else begin
      moves[0] = moves_down_q[i-1];
      exchange[0] = exchange_down_q[i-1];
      clear[0] = clear_down_q[i-1];
      load[0] = load_down_q[i-1] && group_down_q[i-1] == GroupBits'(i / LoadRows);
    end
    moves_q[i] = moves;
    exchange_q[i] = exchange;
    clear_q[i] = clear;
    load_q[i] = load;
  endtask

  // What PE (i, j) gets from its left and from above.
  task take_neighbours(input int unsigned i, input int unsigned j);
    if (j != 0) operand = moving_q[i*Columns+j-1];
    else if (i != 0) operand = row_delay_q[(i*(i+1))/2-1];
    else operand = move_valid_i ? move_data_i[OperandBits-1:0] : '0;
    if (i != 0) begin
      falling = falling_q[(i-1)*Columns+j];
      above = sum_q[(i-1)*Columns+j];
    end else begin
      if (j != 0) falling = column_delay_q[(j*(j+1))/2-1];
      else falling = entering(0);
      above = '0;
    end
  endtask

  task step_pe(input int unsigned i, input int unsigned j);
    take_neighbours(i, j);
    if (exchange[j]) weight_q[i*Columns+j] = loaded_q[i][j] ? shadow_q[i*Columns+j] : '0;
    if (load[j]) shadow_q[i*Columns+j] = falling[(i%LoadRows)*OperandBits+:OperandBits];
    sum_q[i*Columns+j] = above + product(weight_q[i*Columns+j], operand);
    moving_q[i*Columns+j] = operand;
    if (i != Rows - 1) falling_q[i*Columns+j] = falling;
  endtask

  // The delays move on, and what enters goes into their first places.
  task delay;
    for (int unsigned i = 1; i < Rows; i++) begin
      for (int unsigned d = 1; d < i; d++) begin
        row_delay_q[(i*(i+1))/2-d] = row_delay_q[(i*(i+1))/2-d-1];
      end
      row_delay_q[(i*(i-1))/2] = move_valid_i ? move_data_i[i*OperandBits+:OperandBits] : '0;
    end
    for (int unsigned j = 1; j < Columns; j++) begin
      for (int unsigned d = 1; d < j; d++) begin
        column_delay_q[(j*(j+1))/2-d] = column_delay_q[(j*(j+1))/2-d-1];
      end
      column_delay_q[(j*(j-1))/2] = entering(j);
    end
    for (int unsigned d = 1; d < Rows - 1; d++) begin
      group_down_q[Rows-1-d] = group_down_q[Rows-2-d];
    end
    group_down_q[0] = group;
    moves_down_q = (Rows - 1)'({moves_down_q, move_valid_i});
    exchange_down_q = (Rows - 1)'({exchange_down_q, move_valid_i && move_exchange_i});
    clear_down_q = (Rows - 1)'({clear_down_q, load_valid_i && load_first_i});
    load_down_q = (Rows - 1)'({load_down_q, load_valid_i});
  endtask

  // The operands of a tile's rows for column j.
  function automatic logic [TileBits-1:0] entering(input int unsigned j);
    for (int unsigned r = 0; r < LoadRows; r++) begin
      entering[r*OperandBits+:OperandBits] = load_data_i[(r*Columns+j)*OperandBits+:OperandBits];
    end
  endfunction

  function automatic logic [SumBits-1:0] product(input logic [OperandBits-1:0] a,
                                                 input logic [OperandBits-1:0] b);
    logic [2*OperandBits-1:0] exact;
    exact = {{OperandBits{a[OperandBits-1]}}, a} * {{OperandBits{b[OperandBits-1]}}, b};
    product = {{(SumBits - 2 * OperandBits) {exact[2*OperandBits-1]}}, exact};
  endfunction

  always_ff @(posedge clk_i) begin
    check();
    // 1. Which rows of its tile come in.
    group = group_q;
    if (load_first_i) group = '0;
    else if (group_q != GroupBits'(Groups)) group = group_q + 1'b1;
    // 2. All PEs.
    for (int unsigned row = 0; row < Rows; row++) begin
      move_orders(Rows - 1 - row);
      for (int unsigned column = 0; column < Columns; column++) begin
        step_pe(Rows - 1 - row, Columns - 1 - column);
      end
      loaded_q[Rows-1-row] = (loaded_q[Rows-1-row] & ~clear) | load;
    end
    // 3. What has entered moves on in front of the rows and columns.
    delay();
    if (load_valid_i) group_q = group;

    if (!rst_ni) begin
      group_q = '0;
      moves_down_q = '0;
      exchange_down_q = '0;
      clear_down_q = '0;
      load_down_q = '0;
      for (int unsigned i = 0; i < Rows; i++) begin
        moves_q[i] = '0;
        exchange_q[i] = '0;
        clear_q[i] = '0;
        load_q[i] = '0;
        loaded_q[i] = '0;
      end
      for (int unsigned pe = 0; pe < Pes; pe++) weight_q[pe] = '0;
    end  // what is reset gates the rest
  end

  assign result_valid_o = moves_q[Rows-1];
  always_comb begin
    for (int unsigned j = 0; j < Columns; j++) begin
      result_data_o[j*SumBits+:SumBits] = sum_q[(Rows-1)*Columns+j];
    end
  end

  // --- properties -------------------------------------------------------------------------------

  logic [Rows-1:0]    entered_q;  // move_valid_i of the latest edges, the newest in bit 0
  logic [Columns-2:0] valid_before_q;

  // What holds between two edges.
  task check;
    if (rst_ni) begin
      // What enters gives a result in the first column Rows - 1 edges later, and nothing else does.
      p_latency: assert (result_valid_o[0] == entered_q[Rows-1]);
      // Each column gives it one edge after the column before.
      p_columns: assert (result_valid_o[Columns-1:1] == valid_before_q);
      // On the left side, operands are where they entered so many edges ago.
      p_left: assert (moves_down_q == entered_q[Rows-2:0]);
      // The rows of a tile are counted up to its last group, and one beyond.
      p_groups: assert (32'(group_q) <= Groups);
      // An exchange comes with an operand, and it is with its first rows that a tile clears.
      p_exchange: assert ((exchange_down_q & ~moves_down_q) == '0);
      p_clear: assert ((clear_down_q & ~load_down_q) == '0);
      for (int unsigned i = 0; i < Rows; i++) begin
        assert ((exchange_q[i] & ~moves_q[i]) == '0);
        assert (i == Rows - 1 || !clear_down_q[i%(Rows-1)] || group_down_q[i%(Rows-1)] == '0);
        assert (i >= LoadRows || (clear_q[i] & ~load_q[i]) == '0);
      end
    end
    entered_q = rst_ni ? Rows'({entered_q, move_valid_i}) : '0;
    valid_before_q = rst_ni ? result_valid_o[Columns-2:0] : '0;
  endtask

`ifdef FORMAL
  initial assume (!rst_ni);

  // An array without any way: what enters meets all PEs at once. Entry d of each list is what it was
  // d edges ago: what entered, and the weights after that.
  localparam int unsigned Ages = Rows + Columns - 1;
  logic [Ages-1:0]                  now_moves_q, now_exchange_q, now_clear_q, now_load_q;
  logic [GroupBits-1:0]             now_group_q [Ages];
  logic [Rows*OperandBits-1:0]      now_operands_q [Ages];
  logic [LoadRows*Columns*OperandBits-1:0] now_tile_q [Ages];
  logic [Pes*OperandBits-1:0]       now_shadow_q [Ages], now_weight_q [Ages];
  logic [Pes-1:0]                   now_loaded_q [Ages];

  // One step of it: the state, what enters, the next state.
  logic                             step_exchange, step_clear, step_load;
  logic [GroupBits-1:0]             step_group;
  logic [LoadRows*Columns*OperandBits-1:0] step_tile;
  logic [Pes*OperandBits-1:0]       step_shadow, step_weight;
  logic [Pes-1:0]                   step_loaded;
  task step_at_once;
    for (int unsigned i = 0; i < Rows; i++) begin
      for (int unsigned j = 0; j < Columns; j++) begin
        if (step_exchange) begin
          step_weight[(i*Columns+j)*OperandBits+:OperandBits] =
              step_loaded[i*Columns+j] ? step_shadow[(i*Columns+j)*OperandBits+:OperandBits] : '0;
        end
        if (step_clear) step_loaded[i*Columns+j] = 1'b0;
        if (step_load && step_group == GroupBits'(i / LoadRows)) begin
          step_loaded[i*Columns+j] = 1'b1;
          step_shadow[(i*Columns+j)*OperandBits+:OperandBits] =
              step_tile[((i%LoadRows)*Columns+j)*OperandBits+:OperandBits];
        end
      end
    end
  endtask

  logic [SumBits-1:0] now_sum;
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      // Entry d of the lists follows from entry d + 1 and what entered then.
      for (int unsigned d = 0; d < Ages - 1; d++) begin
        step_exchange = now_exchange_q[d];
        step_clear = now_clear_q[d];
        step_load = now_load_q[d];
        step_group = now_group_q[d];
        step_tile = now_tile_q[d];
        step_shadow = now_shadow_q[d+1];
        step_weight = now_weight_q[d+1];
        step_loaded = now_loaded_q[d+1];
        step_at_once();
        assert (step_shadow == now_shadow_q[d]);
        assert (step_weight == now_weight_q[d]);
        assert (step_loaded == now_loaded_q[d]);
      end
      // PE (i, j) does, i + j edges later, what the array without any way has done.
      for (int unsigned i = 0; i < Rows; i++) begin
        for (int unsigned j = 0; j < Columns; j++) begin
          // Orders.
          assert (moves_q[i][j] == now_moves_q[i+j]);
          assert (exchange_q[i][j] == now_exchange_q[i+j]);
          assert (clear_q[i][j] == now_clear_q[i+j]);
          assert (load_q[i][j] == (now_load_q[i+j] && now_group_q[i+j] == GroupBits'(i / LoadRows)));
          // Weights, and shadows that hold one.
          assert (weight_q[i*Columns+j] == now_weight_q[i+j][(i*Columns+j)*OperandBits+:OperandBits]);
          assert (loaded_q[i][j] == now_loaded_q[i+j][i*Columns+j]);
          assert (!loaded_q[i][j] ||
                  shadow_q[i*Columns+j] == now_shadow_q[i+j][(i*Columns+j)*OperandBits+:OperandBits]);
          // Operands on their way, where they are valid.
          assert (!now_moves_q[i+j] ||
                  moving_q[i*Columns+j] == now_operands_q[i+j][i*OperandBits+:OperandBits]);
          for (int unsigned r = 0; r < LoadRows; r++) begin
            assert (i == Rows - 1 || !now_load_q[i+j] ||
                    falling_q[(i*Columns+j)%(Pes-Columns)][r*OperandBits+:OperandBits] ==
                    now_tile_q[i+j][(r*Columns+j)*OperandBits+:OperandBits]);
          end
          // The sum over the rows down to this one: in the last row, the result.
          now_sum = '0;
          for (int unsigned k = 0; k < Rows; k++) begin
            if (k <= i) begin
              now_sum = now_sum + product(now_weight_q[i+j][(k*Columns+j)*OperandBits+:OperandBits],
                                          now_operands_q[i+j][k*OperandBits+:OperandBits]);
            end
          end
          assert (!now_moves_q[i+j] || sum_q[i*Columns+j] == now_sum);
        end
      end
      for (int unsigned d = 0; d < Rows - 1; d++) begin
        // What has entered is on its way down the left side.
        assert (moves_down_q[d] == now_moves_q[d]);
        assert (exchange_down_q[d] == now_exchange_q[d]);
        assert (clear_down_q[d] == now_clear_q[d]);
        assert (load_down_q[d] == now_load_q[d]);
        assert (!load_down_q[d] || group_down_q[d] == now_group_q[d]);
      end
      // Operands and tiles wait in front of their rows and columns.
      for (int unsigned i = 1; i < Rows; i++) begin
        for (int unsigned d = 0; d < i; d++) begin
          assert (!now_moves_q[d] || row_delay_q[(i*(i-1))/2+d] ==
                  now_operands_q[d][i*OperandBits+:OperandBits]);
        end
      end
      for (int unsigned j = 1; j < Columns; j++) begin
        for (int unsigned d = 0; d < j; d++) begin
          for (int unsigned r = 0; r < LoadRows; r++) begin
            assert (!now_load_q[d] || column_delay_q[(j*(j-1))/2+d][r*OperandBits+:OperandBits] ==
                    now_tile_q[d][(r*Columns+j)*OperandBits+:OperandBits]);
          end
        end
      end
    end

    // The next step.
    step_exchange = move_valid_i && move_exchange_i;
    step_clear = load_valid_i && load_first_i;
    step_load = load_valid_i;
    step_group = load_first_i ? '0 : (group_q == GroupBits'(Groups) ? group_q : group_q + 1'b1);
    step_tile = load_data_i;
    step_shadow = now_shadow_q[0];
    step_weight = now_weight_q[0];
    step_loaded = now_loaded_q[0];
    step_at_once();
    now_moves_q <= rst_ni ? Ages'({now_moves_q, move_valid_i}) : '0;
    now_exchange_q <= rst_ni ? Ages'({now_exchange_q, step_exchange}) : '0;
    now_clear_q <= rst_ni ? Ages'({now_clear_q, step_clear}) : '0;
    now_load_q <= rst_ni ? Ages'({now_load_q, step_load}) : '0;
    now_group_q[0] <= step_group;
    now_operands_q[0] <= move_data_i;
    now_tile_q[0] <= load_data_i;
    now_shadow_q[0] <= rst_ni ? step_shadow : '0;
    now_weight_q[0] <= rst_ni ? step_weight : '0;
    now_loaded_q[0] <= rst_ni ? step_loaded : '0;
    for (int unsigned d = 1; d < Ages; d++) begin
      now_group_q[d] <= now_group_q[d-1];
      now_operands_q[d] <= now_operands_q[d-1];
      now_tile_q[d] <= now_tile_q[d-1];
      now_shadow_q[d] <= rst_ni ? now_shadow_q[d-1] : '0;
      now_weight_q[d] <= rst_ni ? now_weight_q[d-1] : '0;
      now_loaded_q[d] <= rst_ni ? now_loaded_q[d-1] : '0;
    end
  end
`endif
endmodule
