// Twin of models/parts/segmenter.h.
//
// Cuts the packets of one VOQ at a time into cells: unpacked, a cell holds bytes of one packet;
// packed, the rest of a cell behind a packet's end is filled from the next. Outputs follow the inputs
// in the same cycle; what is left of the packet stays to the next.
//
// In one cycle a packet may be started, if none is under way, and a cell be cut. The headers of the
// packets that would follow stand at next_packet_i in their order, as far as next_valid_i reaches: one
// is taken for each packet that ends in the cell, be the cell full or not. taken_o says how many the
// user has to replace. At most Ends packets end in a cell, and one more begins: the payload of a cell
// is less than Ends of the smallest packets.
module segmenter #(
    parameter int unsigned Ends = 5,
    parameter int unsigned VoqBits = 8,
    parameter int unsigned ByteBits = 16,  // of a packet's stored bytes, of a cell's payload
    localparam int unsigned EndBits = $clog2(Ends + 1)
) (
    input  logic                  clk_i,
    input  logic                  rst_ni,
    input  logic                  cfg_packed_i,
    input  logic [ByteBits-1:0]   cfg_payload_bytes_i,
    input  logic [15:0]           cfg_header_bytes_i,
    // 1. A packet is started.
    input  logic                  start_i,
    input  logic [VoqBits-1:0]    start_voq_i,
    input  heddle_pkg::frame_t    start_packet_i,
    // 2. A cell is cut.
    input  logic                  cut_i,
    input  logic [Ends-1:0]       next_valid_i,
    input  logic [Ends*192-1:0]   next_packet_i,
    output logic [EndBits-1:0]    taken_o,     // of these
    output heddle_pkg::frame_t    cell_o,      // packet: the tag of the first that ends in it
    output logic [EndBits-1:0]    ends_o,      // packets that end in it,
    output logic [Ends*192-1:0]   finished_o,  // and their headers
    // A packet is only partly cut.
    output logic                  busy_o,
    output logic [VoqBits-1:0]    voq_o
);
  logic [VoqBits-1:0]  voq_q;
  heddle_pkg::frame_t  packet_q, packet;
  logic [ByteBits-1:0] left_q, left, filled, piece;
  logic                open;

  function automatic logic [ByteBits-1:0] bytes_of(input logic [15:0] wire_bytes);
    bytes_of = ByteBits'(heddle_pkg::stored_bytes(wire_bytes));
  endfunction

  function automatic logic [ByteBits-1:0] least(input logic [ByteBits-1:0] a,
                                                input logic [ByteBits-1:0] b);
    least = a < b ? a : b;
  endfunction

  // From the packet under way; the cell stays open if that ends.
  task fill;
    piece = least(left, cfg_payload_bytes_i - filled);
    filled = filled + piece;
    left = left - piece;
    open = left == '0;
  endtask

  always_comb begin
    packet = start_i ? start_packet_i : packet_q;
    left = start_i ? bytes_of(start_packet_i.wire_bytes) : left_q;
    cell_o = '0;
    cell_o.kind = heddle_pkg::KindCell;
    cell_o.packet = heddle_pkg::NoPacket;
    // The cell's first bytes that continue a packet.
    if (left != bytes_of(packet.wire_bytes)) cell_o.flow = 32'(least(left, cfg_payload_bytes_i));

    filled = '0;
    piece = '0;
    taken_o = '0;
    ends_o = '0;
    finished_o = '0;
    open = cut_i;
    for (int unsigned k = 0; k < Ends; k++) begin
      if (open) fill();
      if (open) begin
        if (k == 0) cell_o.packet = packet.packet;
        finished_o[k*192 +: 192] = packet;
        ends_o = EndBits'(k + 1);
        if (next_valid_i[k]) begin
          packet = next_packet_i[k*192 +: 192];
          left = bytes_of(packet.wire_bytes);
          taken_o = EndBits'(k + 1);
        end
        open = next_valid_i[k] && cfg_packed_i && filled != cfg_payload_bytes_i;
      end
    end
    if (open) fill();
    cell_o.payload_bytes = 16'(filled);
    cell_o.wire_bytes = 16'(filled) + cfg_header_bytes_i;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      voq_q <= '0;
      packet_q <= '0;
      left_q <= '0;
    end else begin
      if (start_i) voq_q <= start_voq_i;
      packet_q <= packet;
      left_q <= left;
    end
  end

  assign busy_o = left_q != '0;
  assign voq_o  = voq_q;

  // --- properties -------------------------------------------------------------------------------

`ifdef FORMAL
  `define CONTRACT assume
  initial assume (!rst_ni);
`else
  `define CONTRACT assert
`endif

  // Counted since reset, modulo their range: bytes and packets that came and that left in cells.
  logic [31:0] started_bytes_q, cut_bytes_q, started_q, ended_q;
  logic [31:0] coming_bytes;
  logic [ByteBits-1:0] coming;
  logic        sizes_ok;

  always_comb begin
    coming_bytes = start_i ? 32'(bytes_of(start_packet_i.wire_bytes)) : '0;
    sizes_ok = !start_i || bytes_of(start_packet_i.wire_bytes) != '0;
    coming = '0;
    for (int unsigned k = 0; k < Ends; k++) begin
      if (EndBits'(k) < taken_o) begin
        coming = bytes_of(next_packet_i[k*192+32 +: 16]);  // wire_bytes of its frame_t
        coming_bytes = coming_bytes + 32'(coming);
        sizes_ok = sizes_ok && coming != '0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      started_bytes_q <= '0;
      cut_bytes_q <= '0;
      started_q <= '0;
      ended_q <= '0;
    end else begin
      started_bytes_q <= started_bytes_q + coming_bytes;
      cut_bytes_q <= cut_bytes_q + 32'(cell_o.payload_bytes);
      started_q <= started_q + 32'(start_i) + 32'(taken_o);
      ended_q <= ended_q + 32'(ends_o);
    end
  end

  always_ff @(posedge clk_i) begin
`ifdef FORMAL
    assume ($stable(cfg_packed_i) && $stable(cfg_payload_bytes_i) && cfg_payload_bytes_i != '0);
`endif
    if (rst_ni) begin
      // The contract: a packet is started when none is under way, and a cell cut of one that is.
      c_start: `CONTRACT (!start_i || !busy_o);
      c_cut: `CONTRACT (!cut_i || busy_o || start_i);
      // The contract: packets are not empty, and not so small that too many end in a cell.
      c_sizes: `CONTRACT (sizes_ok);
      c_ends: `CONTRACT (!open);

      // Bytes out are bytes in, but for those that are left of the packet under way.
      p_bytes: assert (started_bytes_q == cut_bytes_q + 32'(left_q));
      // Every packet ends in exactly one cell: all that were started have, but for that under way.
      p_ends: assert (started_q == ended_q + 32'(busy_o));
      // No cell holds more than its payload, and none is empty.
      p_payload: assert (cell_o.payload_bytes <= 16'(cfg_payload_bytes_i));
      p_not_empty: assert (!cut_i || cell_o.payload_bytes != '0);
      // A cell is full, unless nothing may follow the packet that ends in it.
      p_full: assert (!cut_i || cell_o.payload_bytes == 16'(cfg_payload_bytes_i) ||
                      (ends_o != '0 && (!cfg_packed_i || taken_o < ends_o)));
      // Unpacked, a cell holds bytes of one packet.
      p_unpacked: assert (cfg_packed_i || ends_o <= EndBits'(1));
      // A packet follows another only where that ends.
      p_taken: assert (taken_o == ends_o || taken_o + 1'b1 == ends_o);
      // What continues a packet is in the cell.
      p_flow: assert (!cut_i || cell_o.flow <= 32'(cell_o.payload_bytes));
    end
  end

`undef CONTRACT
endmodule
