// Twin of models/parts/voq_bank.h and of the models/parts/queue_bank.h in it.
//
// The virtual output queues of a leaf, one per destination and class: linked lists over one memory of
// packets, each with its credit account. The number of a VOQ is class * Destinations + destination.
//
// At each edge each method is called at most once, in the order of the ports below: a credit that
// comes in a cycle lets a packet go that joins in the same cycle. All outputs are registers, but the
// account and front of one VOQ, which are read. The user keeps the contract of the model: it
// enqueues only while not full_o, pops only what may be sent once the steps before are done, and no
// credit comes that was not asked for.
//
// No divider is as wide as a count: bytes are counted as whole credits and a rest below one credit.
module voq_bank #(
    parameter int unsigned Destinations = 4,
    parameter int unsigned Classes = 2,           // at least two VOQs
    parameter int unsigned CapacityPackets = 64,  // slots of the memory, at least 2
    parameter int unsigned ByteBits = 16,         // of a packet's stored bytes, of a credit's
    parameter int unsigned CountBits = 32,        // of credits since the start of the run; they wrap
    parameter int unsigned QueueBytesBits = 32,
    parameter int unsigned TimeBits = 64,
    localparam int unsigned Voqs = Destinations * Classes,
    localparam int unsigned VoqBits = $clog2(Voqs),
    localparam int unsigned SlotBits = $clog2(CapacityPackets)
) (
    input  logic                      clk_i,
    input  logic                      rst_ni,
    input  logic [ByteBits-1:0]       cfg_credit_bytes_i,       // at least 1
    input  logic [CountBits-1:0]      cfg_outstanding_limit_i,
    input  logic [TimeBits-1:0]       now_i,
    // 1. A grant has come: so many since the start of the run.
    input  logic                      credit_i,
    input  logic [VoqBits-1:0]        credit_voq_i,
    input  logic [CountBits-1:0]      credit_credits_i,
    // 2. A packet joins.
    input  logic                      enqueue_i,
    input  logic [VoqBits-1:0]        enqueue_voq_i,
    input  heddle_pkg::frame_t        enqueue_packet_i,
    // 3. A VOQ must not send, or may again.
    input  logic                      hold_i,
    input  logic [VoqBits-1:0]        hold_voq_i,
    input  logic                      hold_held_i,
    // 4. The first packet leaves, and is paid for.
    input  logic                      pop_i,
    input  logic [VoqBits-1:0]        pop_voq_i,
    output heddle_pkg::frame_t        pop_packet_o,
    // 5. Asks for more credits, if there is reason and room.
    input  logic                      request_i,
    input  logic [VoqBits-1:0]        request_voq_i,
    output logic                      request_o,          // yes:
    output logic [CountBits-1:0]      request_credits_o,  // the new total
    // What all VOQs show.
    output logic [Voqs-1:0]           sendable_o,  // a packet, a positive balance, not held
    output logic [SlotBits:0]         packets_o,
    output logic                      full_o,
    // What one shows.
    input  logic [VoqBits-1:0]        account_voq_i,
    output logic [SlotBits:0]         length_o,
    output heddle_pkg::frame_t        front_o,
    output logic [QueueBytesBits-1:0] queued_bytes_o,
    output logic [CountBits-1:0]      enqueued_credits_o,  // enqueued_bytes is so many credits
    output logic [ByteBits-1:0]       enqueued_rest_o,     // and so many bytes
    output logic [CountBits-1:0]      balance_credits_o,   // balance_bytes: two's complement,
    output logic [ByteBits-1:0]       balance_rest_o,      // and 0 .. cfg_credit_bytes_i - 1
    output logic [CountBits-1:0]      requested_o,
    output logic [CountBits-1:0]      granted_o,
    output logic [TimeBits-1:0]       head_since_o,
    output logic [TimeBits-1:0]       credited_since_o,
    output logic [TimeBits-1:0]       last_news_o,
    output logic                      held_o
);
  localparam logic [SlotBits:0] Capacity = (SlotBits + 1)'(CapacityPackets);

  // The lists. Slots below fresh_q have been used; used_q of these are in queues, and the others in
  // the free list, the one that was freed last first.
  logic [SlotBits-1:0] head_d [Voqs], head_q [Voqs], tail_d [Voqs], tail_q [Voqs];
  logic [SlotBits:0]   length_d [Voqs], length_q [Voqs];
  logic [SlotBits-1:0] next_d [CapacityPackets], next_q [CapacityPackets];
  logic [SlotBits-1:0] free_d, free_q;
  logic [SlotBits:0]   fresh_d, fresh_q, used_d, used_q;

  // The accounts.
  logic [CountBits-1:0]      enqueued_credits_d [Voqs], enqueued_credits_q [Voqs];
  logic [ByteBits-1:0]       enqueued_rest_d [Voqs], enqueued_rest_q [Voqs];
  logic [CountBits-1:0]      balance_credits_d [Voqs], balance_credits_q [Voqs];
  logic [ByteBits-1:0]       balance_rest_d [Voqs], balance_rest_q [Voqs];
  logic [QueueBytesBits-1:0] queued_bytes_d [Voqs], queued_bytes_q [Voqs];
  logic [CountBits-1:0]      requested_d [Voqs], requested_q [Voqs];
  logic [CountBits-1:0]      granted_d [Voqs], granted_q [Voqs];
  logic [TimeBits-1:0]       head_since_d [Voqs], head_since_q [Voqs];
  logic [TimeBits-1:0]       credited_since_d [Voqs], credited_since_q [Voqs];
  logic [TimeBits-1:0]       last_news_d [Voqs], last_news_q [Voqs];
  logic [Voqs-1:0]           held_d, held_q, sendable_d, sendable_q;

  // The memory of packets: one port to write, two to read.
  logic [191:0]         packets_q [CapacityPackets];
  heddle_pkg::frame_t   pop_packet_d, pop_packet_q;
  logic                 request_d, request_q;
  logic [CountBits-1:0] request_credits_d, request_credits_q;

  // Of one call.
  logic [SlotBits-1:0]  slot, first_slot;
  logic [ByteBits-1:0]  stored;
  logic [ByteBits:0]    bytes, quotient, remainder;
  logic [CountBits-1:0] needed, target;
  logic                 may_pop;  // what the contract asks for

  task credit;
    last_news_d[credit_voq_i] = now_i;
    if (ahead(credit_credits_i, granted_d[credit_voq_i])) begin  // else overtaken, or repeated
      granted_d[credit_voq_i] = credit_credits_i;
      if (!positive(balance_credits_d[credit_voq_i], balance_rest_d[credit_voq_i])) begin
        credited_since_d[credit_voq_i] = now_i;
      end
      balance_credits_d[credit_voq_i] = balance_credits_d[credit_voq_i] + credit_credits_i -
                                        granted_q[credit_voq_i];
      update(credit_voq_i);
    end
  endtask

  task enqueue;
    if (used_d != fresh_d) free_d = next_d[slot];
    else fresh_d = fresh_d + 1'b1;
    used_d = used_d + 1'b1;
    if (length_d[enqueue_voq_i] == '0) begin
      head_since_d[enqueue_voq_i] = now_i;
      last_news_d[enqueue_voq_i] = now_i;
      head_d[enqueue_voq_i] = slot;
    end else begin
      next_d[tail_d[enqueue_voq_i]] = slot;
    end
    tail_d[enqueue_voq_i] = slot;
    length_d[enqueue_voq_i] = length_d[enqueue_voq_i] + 1'b1;
    stored = bytes_of(enqueue_packet_i.wire_bytes);
    bytes = {1'b0, enqueued_rest_d[enqueue_voq_i]} + {1'b0, stored};
    divide();
    enqueued_credits_d[enqueue_voq_i] = enqueued_credits_d[enqueue_voq_i] + CountBits'(quotient);
    enqueued_rest_d[enqueue_voq_i] = ByteBits'(remainder);
    queued_bytes_d[enqueue_voq_i] = queued_bytes_d[enqueue_voq_i] + QueueBytesBits'(stored);
    update(enqueue_voq_i);
  endtask

  task hold;
    held_d[hold_voq_i] = hold_held_i;
    update(hold_voq_i);
  endtask

  task pop;
    first_slot = head_d[pop_voq_i];
    pop_packet_d = packets_q[first_slot];
    if (enqueue_i && first_slot == slot) pop_packet_d = enqueue_packet_i;  // not in there yet
    head_d[pop_voq_i] = next_d[first_slot];
    length_d[pop_voq_i] = length_d[pop_voq_i] - 1'b1;
    next_d[first_slot] = free_d;
    free_d = first_slot;
    used_d = used_d - 1'b1;
    stored = bytes_of(pop_packet_d.wire_bytes);
    bytes = {1'b0, stored} - {1'b0, balance_rest_d[pop_voq_i]} +
            {1'b0, cfg_credit_bytes_i} - 1'b1;
    divide();
    balance_credits_d[pop_voq_i] = balance_credits_d[pop_voq_i] - CountBits'(quotient);
    balance_rest_d[pop_voq_i] = cfg_credit_bytes_i - 1'b1 - ByteBits'(remainder);
    queued_bytes_d[pop_voq_i] = queued_bytes_d[pop_voq_i] - QueueBytesBits'(stored);
    head_since_d[pop_voq_i] = now_i;
    update(pop_voq_i);
  endtask

  // Enough credits to cover every byte that ever joined, but only so many ahead of what was spent.
  task request;
    needed = enqueued_credits_d[request_voq_i] + CountBits'(enqueued_rest_d[request_voq_i] != '0);
    target = granted_d[request_voq_i] - unspent(balance_credits_d[request_voq_i]) +
             cfg_outstanding_limit_i;
    if (ahead(target, needed)) target = needed;
    request_d = ahead(target, requested_d[request_voq_i]);
    if (request_d) begin
      requested_d[request_voq_i] = target;
      request_credits_d = target;
    end
  endtask

  task update(input logic [VoqBits-1:0] voq);
    sendable_d[voq] = length_d[voq] != '0 && !held_d[voq] &&
                      positive(balance_credits_d[voq], balance_rest_d[voq]);
  endtask

  // Long division of bytes: whole credits, and the rest.
  task divide;
    quotient = '0;
    remainder = '0;
    for (int unsigned i = 0; i <= ByteBits; i++) begin
      remainder = {remainder[ByteBits-1:0], bytes[ByteBits-i]};
      quotient = {quotient[ByteBits-1:0], remainder >= {1'b0, cfg_credit_bytes_i}};
      if (quotient[0]) remainder = remainder - {1'b0, cfg_credit_bytes_i};
    end
  endtask

  function automatic logic positive(input logic [CountBits-1:0] credits,
                                    input logic [ByteBits-1:0] rest);
    positive = !credits[CountBits-1] && (credits != '0 || rest != '0);
  endfunction

  // Whole credits that a balance still holds.
  function automatic logic [CountBits-1:0] unspent(input logic [CountBits-1:0] balance_credits);
    unspent = balance_credits[CountBits-1] ? '0 : balance_credits;
  endfunction

  function automatic logic [ByteBits-1:0] bytes_of(input logic [15:0] wire_bytes);
    bytes_of = ByteBits'(heddle_pkg::stored_bytes(wire_bytes));
  endfunction

  // Counts wrap: one is ahead when it is so by less than half the range.
  function automatic logic ahead(input logic [CountBits-1:0] a, input logic [CountBits-1:0] b);
    logic [CountBits-1:0] difference;
    difference = a - b;
    ahead = !difference[CountBits-1] && difference != '0;
  endfunction

  always_comb begin
    for (int unsigned v = 0; v < Voqs; v++) begin
      head_d[v] = head_q[v];
      tail_d[v] = tail_q[v];
      length_d[v] = length_q[v];
      enqueued_credits_d[v] = enqueued_credits_q[v];
      enqueued_rest_d[v] = enqueued_rest_q[v];
      balance_credits_d[v] = balance_credits_q[v];
      balance_rest_d[v] = balance_rest_q[v];
      queued_bytes_d[v] = queued_bytes_q[v];
      requested_d[v] = requested_q[v];
      granted_d[v] = granted_q[v];
      head_since_d[v] = head_since_q[v];
      credited_since_d[v] = credited_since_q[v];
      last_news_d[v] = last_news_q[v];
    end
    for (int unsigned i = 0; i < CapacityPackets; i++) next_d[i] = next_q[i];
    free_d = free_q;
    fresh_d = fresh_q;
    used_d = used_q;
    held_d = held_q;
    sendable_d = sendable_q;
    pop_packet_d = pop_packet_q;
    request_credits_d = request_credits_q;
    request_d = 1'b0;
    slot = used_q != fresh_q ? free_q : fresh_q[SlotBits-1:0];
    first_slot = '0;
    stored = '0;
    bytes = '0;
    quotient = '0;
    remainder = '0;
    needed = '0;
    target = '0;
    if (credit_i) credit();
    if (enqueue_i) enqueue();
    if (hold_i) hold();
    may_pop = sendable_d[pop_voq_i];
    if (pop_i) pop();
    if (request_i) request();
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned v = 0; v < Voqs; v++) begin
      head_q[v] <= rst_ni ? head_d[v] : '0;
      tail_q[v] <= rst_ni ? tail_d[v] : '0;
      length_q[v] <= rst_ni ? length_d[v] : '0;
      enqueued_credits_q[v] <= rst_ni ? enqueued_credits_d[v] : '0;
      enqueued_rest_q[v] <= rst_ni ? enqueued_rest_d[v] : '0;
      balance_credits_q[v] <= rst_ni ? balance_credits_d[v] : '0;
      balance_rest_q[v] <= rst_ni ? balance_rest_d[v] : '0;
      queued_bytes_q[v] <= rst_ni ? queued_bytes_d[v] : '0;
      requested_q[v] <= rst_ni ? requested_d[v] : '0;
      granted_q[v] <= rst_ni ? granted_d[v] : '0;
      head_since_q[v] <= rst_ni ? head_since_d[v] : '0;
      credited_since_q[v] <= rst_ni ? credited_since_d[v] : '0;
      last_news_q[v] <= rst_ni ? last_news_d[v] : '0;
    end
    for (int unsigned i = 0; i < CapacityPackets; i++) next_q[i] <= next_d[i];
    free_q <= rst_ni ? free_d : '0;
    fresh_q <= rst_ni ? fresh_d : '0;
    used_q <= rst_ni ? used_d : '0;
    held_q <= rst_ni ? held_d : '0;
    sendable_q <= rst_ni ? sendable_d : '0;
    pop_packet_q <= rst_ni ? pop_packet_d : '0;
    request_q <= rst_ni ? request_d : '0;
    request_credits_q <= rst_ni ? request_credits_d : '0;
    if (enqueue_i) packets_q[slot] <= enqueue_packet_i;
  end

  assign pop_packet_o      = pop_packet_q;
  assign request_o         = request_q;
  assign request_credits_o = request_credits_q;
  assign sendable_o        = sendable_q;
  assign packets_o         = used_q;
  assign full_o            = used_q == Capacity;

  assign length_o           = length_q[account_voq_i];
  assign front_o            = packets_q[head_q[account_voq_i]];
  assign queued_bytes_o     = queued_bytes_q[account_voq_i];
  assign enqueued_credits_o = enqueued_credits_q[account_voq_i];
  assign enqueued_rest_o    = enqueued_rest_q[account_voq_i];
  assign balance_credits_o  = balance_credits_q[account_voq_i];
  assign balance_rest_o     = balance_rest_q[account_voq_i];
  assign requested_o        = requested_q[account_voq_i];
  assign granted_o          = granted_q[account_voq_i];
  assign head_since_o       = head_since_q[account_voq_i];
  assign credited_since_o   = credited_since_q[account_voq_i];
  assign last_news_o        = last_news_q[account_voq_i];
  assign held_o             = held_q[account_voq_i];

  // --- properties -------------------------------------------------------------------------------

`ifdef FORMAL
  `define CONTRACT assume
  initial assume (!rst_ni);
`else
  `define CONTRACT assert
`endif

  // Beside the lists: to which each slot belongs, how manieth of all that ever joined it is (in the
  // free list: how many are below it), and where it stands in a table of all lists by that number.
  localparam int unsigned Lists = Voqs + 2;
  localparam int unsigned ListBits = $clog2(Lists);
  localparam logic [ListBits-1:0] Free = ListBits'(Voqs);
  localparam logic [ListBits-1:0] Fresh = ListBits'(Voqs + 1);
  logic [ListBits-1:0] list_q [CapacityPackets];
  logic [SlotBits-1:0] rank_q [CapacityPackets];
  logic [SlotBits-1:0] slot_q [2 ** (ListBits + SlotBits)];
  logic [SlotBits-1:0] joined_q [Voqs], left_q [Voqs];  // how many, so far
  logic [SlotBits:0]   free_count;
  logic [SlotBits-1:0] rank_of_freed;

  assign free_count = fresh_q - used_q;
  assign rank_of_freed = SlotBits'(fresh_d - used_d - 1'b1);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      for (int unsigned i = 0; i < CapacityPackets; i++) list_q[i] <= Fresh;
      for (int unsigned v = 0; v < Voqs; v++) begin
        joined_q[v] <= '0;
        left_q[v] <= '0;
      end
    end else begin
      if (enqueue_i) begin
        list_q[slot] <= ListBits'(enqueue_voq_i);
        rank_q[slot] <= joined_q[enqueue_voq_i];
        slot_q[{ListBits'(enqueue_voq_i), joined_q[enqueue_voq_i]}] <= slot;
        joined_q[enqueue_voq_i] <= joined_q[enqueue_voq_i] + 1'b1;
      end
      if (pop_i) begin
        list_q[first_slot] <= Free;
        rank_q[first_slot] <= rank_of_freed;
        slot_q[{Free, rank_of_freed}] <= first_slot;
        left_q[pop_voq_i] <= left_q[pop_voq_i] + 1'b1;
      end
    end
  end

  logic [SlotBits:0] queued, length_sum;         // slots in queues; the lengths together
  logic [SlotBits:0] preceding [CapacityPackets];  // packets before that of a slot in its queue

  always_comb begin
    queued = '0;
    length_sum = '0;
    for (int unsigned i = 0; i < CapacityPackets; i++) begin
      if (list_q[i] < Free) queued = queued + 1'b1;
      preceding[i] = {1'b0, rank_q[i] - left_q[VoqBits'(list_q[i])]};
    end
    for (int unsigned v = 0; v < Voqs; v++) length_sum = length_sum + length_q[v];
  end

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      // The contract: VOQs are those that there are.
      c_voq: `CONTRACT ((!credit_i || 32'(credit_voq_i) < Voqs) &&
                        (!enqueue_i || 32'(enqueue_voq_i) < Voqs) &&
                        (!hold_i || 32'(hold_voq_i) < Voqs) &&
                        (!pop_i || 32'(pop_voq_i) < Voqs) &&
                        (!request_i || 32'(request_voq_i) < Voqs));
      // The contract: no packet joins while the memory is full, and what leaves may be sent.
      c_enqueue: `CONTRACT (!enqueue_i || !full_o);
      c_pop: `CONTRACT (!pop_i || may_pop);

      // A packet joins in a slot that is in no queue.
      p_enqueue: assert (!enqueue_i || list_q[slot] >= Free);
      // The packet that leaves is the one that has been in its queue for longest.
      p_fifo: assert (!pop_i || (enqueue_i && first_slot == slot) ||
                      (list_q[first_slot] == ListBits'(pop_voq_i) &&
                       rank_q[first_slot] == left_q[pop_voq_i]));
      p_fifo_passing: assert (!pop_i || !enqueue_i || first_slot != slot ||
                              (pop_voq_i == enqueue_voq_i && length_q[pop_voq_i] == '0));
      // No slot is lost: those in queues are as many as packets, and so are the queues' lengths.
      p_complete: assert (queued == used_q && length_sum == used_q);
      p_used: assert (used_q <= fresh_q && fresh_q <= Capacity);
      // The free list begins with the slot that was freed last.
      p_free: assert (free_count == '0 || (list_q[free_q] == Free &&
                                           rank_q[free_q] == SlotBits'(free_count - 1'b1)));
      for (int unsigned i = 0; i < CapacityPackets; i++) begin
        // A slot that was never used is in no list.
        assert ((list_q[i] == Fresh) == ((SlotBits + 1)'(i) >= fresh_q));
        // No two slots have the same place in one list: all lists are disjoint.
        assert (list_q[i] == Fresh || slot_q[{list_q[i], rank_q[i]}] == SlotBits'(i));
        // Each slot of the free list points at the one below it.
        assert (list_q[i] != Free || ({1'b0, rank_q[i]} < free_count &&
                (rank_q[i] == '0 || (list_q[next_q[i]] == Free &&
                                     rank_q[next_q[i]] == SlotBits'(rank_q[i] - 1'b1)))));
        // Each slot of a queue points at the one behind it.
        assert (list_q[i] >= Free || preceding[i] + 1'b1 == length_q[VoqBits'(list_q[i])] ||
                (preceding[i] < length_q[VoqBits'(list_q[i])] && list_q[next_q[i]] == list_q[i] &&
                 rank_q[next_q[i]] == SlotBits'(rank_q[i] + 1'b1)));
      end
      for (int unsigned v = 0; v < Voqs; v++) begin
        // A queue's first and last slot are its own.
        assert (length_q[v] == '0 || (list_q[head_q[v]] == ListBits'(v) &&
                                      rank_q[head_q[v]] == left_q[v]));
        assert (length_q[v] == '0 || (list_q[tail_q[v]] == ListBits'(v) &&
                                      rank_q[tail_q[v]] == SlotBits'(joined_q[v] - 1'b1)));
        assert (SlotBits'(length_q[v]) == SlotBits'(joined_q[v] - left_q[v]));
      end
    end
  end

  // Beside the accounts: bytes that joined and that were sent, modulo the range of counts; and those
  // of the packet sent last.
  logic [CountBits-1:0] joined_bytes_q [Voqs], sent_bytes_q [Voqs];
  logic [ByteBits-1:0]  last_bytes_q [Voqs];

  always_ff @(posedge clk_i) begin
    for (int unsigned v = 0; v < Voqs; v++) begin
      if (!rst_ni) begin
        joined_bytes_q[v] <= '0;
        sent_bytes_q[v] <= '0;
        last_bytes_q[v] <= '0;
      end else begin
        if (enqueue_i && enqueue_voq_i == VoqBits'(v)) begin
          joined_bytes_q[v] <= joined_bytes_q[v] + CountBits'(bytes_of(enqueue_packet_i.wire_bytes));
        end
        if (pop_i && pop_voq_i == VoqBits'(v)) begin
          sent_bytes_q[v] <= sent_bytes_q[v] + CountBits'(bytes_of(pop_packet_d.wire_bytes));
          last_bytes_q[v] <= bytes_of(pop_packet_d.wire_bytes);
        end
      end
    end
  end

  // What an account says, in bytes.
  localparam int unsigned WideBits = CountBits + ByteBits + 1;

  function automatic logic [WideBits-1:0] in_bytes(input logic [CountBits-1:0] credits,
                                                   input logic [ByteBits-1:0] rest);
    in_bytes = {{(ByteBits + 1) {credits[CountBits-1]}}, credits} * WideBits'(cfg_credit_bytes_i) +
               WideBits'(rest);
  endfunction

  logic [WideBits-1:0]  balance [Voqs];
  logic [CountBits-1:0] owed [Voqs], stored_bytes [Voqs];  // bytes granted, joined, and not sent
  logic [CountBits-1:0] asked [Voqs], open [Voqs];       // credits not granted, not spent

  always_comb begin
    for (int unsigned v = 0; v < Voqs; v++) begin
      balance[v] = in_bytes(balance_credits_q[v], balance_rest_q[v]);
      owed[v] = CountBits'(in_bytes(granted_q[v], '0)) - sent_bytes_q[v];
      stored_bytes[v] = joined_bytes_q[v] - sent_bytes_q[v];
      asked[v] = requested_q[v] - granted_q[v];
      open[v] = asked[v] + unspent(balance_credits_q[v]);
    end
  end

  always_ff @(posedge clk_i) begin
`ifdef FORMAL
    // A credit that is no power of two, and smaller than some packets. Lockstep draws others.
    assume (cfg_credit_bytes_i == ByteBits'(3));
    assume (cfg_outstanding_limit_i[CountBits-1:CountBits-2] == '0);
    assume ($stable(cfg_outstanding_limit_i));
`endif
    if (rst_ni) begin
      // The contract: no credit comes that was not asked for.
      c_credit: `CONTRACT (!credit_i || !ahead(credit_credits_i, requested_q[credit_voq_i]));

      for (int unsigned v = 0; v < Voqs; v++) begin
        // Less than a credit is a rest.
        assert (enqueued_rest_q[v] < cfg_credit_bytes_i && balance_rest_q[v] < cfg_credit_bytes_i);
        // Credits are conserved: the balance is what was granted less what was sent.
        assert (CountBits'(balance[v]) == owed[v]);
        // An overdraft is less than one packet.
        assert (balance[v] == '0 || !balance[v][WideBits-1] ||
                $signed(balance[v]) + $signed(WideBits'(last_bytes_q[v])) > 0);
        // What joined is what was sent and what is queued.
        assert (CountBits'(in_bytes(enqueued_credits_q[v], enqueued_rest_q[v])) ==
                joined_bytes_q[v]);
        assert (CountBits'(queued_bytes_q[v]) == stored_bytes[v]);
        // Credits asked for and not spent are never fewer than none, nor more than the limit.
        assert (asked[v] <= cfg_outstanding_limit_i && open[v] <= cfg_outstanding_limit_i);
        // Those that may send are those with a packet and a positive balance that are not held.
        assert (sendable_q[v] == (length_q[v] != '0 && !held_q[v] &&
                                  $signed(balance[v]) > 0));
      end
    end
  end

`undef CONTRACT
endmodule
