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
    end
  end

  assign result_valid_o = moves_q[Rows-1];
  always_comb begin
    for (int unsigned j = 0; j < Columns; j++) begin
      result_data_o[j*SumBits+:SumBits] = sum_q[(Rows-1)*Columns+j];
    end
  end
endmodule
