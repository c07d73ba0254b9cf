using AiPlatform.ServiceBusEmulator.Storage;

namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>Too much for one transaction.</summary>
internal sealed class TransactionLimitException() : InvalidOperationException($"A transaction has at most {Transaction.MaxOperations} operations.");

/// <summary>Work on an entity in a transaction that is another entity's.</summary>
internal sealed class TransactionScopeException(string entity)
    : InvalidOperationException($"The transaction cannot reach '{entity}': it is about another entity. A client with EnableCrossEntityTransactions works on several.");

/// <summary>Work that becomes durable together. The messages that it settles stay locked until it ends.</summary>
/// <param name="scope">
/// Where it was declared: the client's AMQP session. What is done over other sessions must be about one entity, as in the service; a client
/// that wants to work on several keeps all of its links in the session of the transaction.
/// </param>
internal sealed class Transaction(object scope)
{
    internal const int MaxOperations = 100;

    private readonly Lock _lock = new();
    private readonly List<WriteOperation> _operations = [];
    private readonly List<Settlement> _settlements = [];
    private bool _isEnded;
    private string? _entity;

    /// <summary>Lets work on an entity in.</summary>
    /// <param name="session">Where the work came from.</param>
    /// <param name="entity">A queue or topic; a subscription counts as its topic.</param>
    /// <exception cref="TransactionScopeException">The transaction is about another entity.</exception>
    internal void Enter(object session, string entity)
    {
        if (ReferenceEquals(session, scope))
        {
            return;
        }

        lock (_lock)
        {
            if ((_entity ??= entity) != entity)
            {
                throw new TransactionScopeException(entity);
            }
        }
    }

    /// <summary>Adds messages to send; false when the transaction has ended.</summary>
    /// <exception cref="TransactionLimitException">It has too much work.</exception>
    internal bool TryAdd(WriteOperation operation)
    {
        lock (_lock)
        {
            if (_isEnded)
            {
                return false;
            }

            EnsureRoom();
            _operations.Add(operation);
            return true;
        }
    }

    /// <summary>Adds an outcome; false when the transaction has ended, and then it is undone.</summary>
    /// <exception cref="TransactionLimitException">It has too much work.</exception>
    internal bool TryAdd(Settlement settlement)
    {
        lock (_lock)
        {
            if (!_isEnded)
            {
                try
                {
                    EnsureRoom();
                }
                catch
                {
                    settlement.Undo();
                    throw;
                }

                _operations.Add(settlement.Operation);
                _settlements.Add(settlement);
                return true;
            }
        }

        settlement.Undo();
        return false;
    }

    /// <summary>Makes everything durable; false when the transaction had ended before.</summary>
    internal async Task<bool> CommitAsync(MessageWriter writer)
    {
        if (!TryEnd())
        {
            return false;
        }

        try
        {
            if (_operations.Count > 0)
            {
                await writer.WriteAsync(new CompositeOperation(_operations));
            }
        }
        catch
        {
            _settlements.ForEach(static settlement => settlement.Undo());
            throw;
        }

        _settlements.ForEach(static settlement => settlement.Apply());
        return true;
    }

    /// <summary>Forgets everything; false when the transaction had ended before.</summary>
    internal bool Rollback()
    {
        if (!TryEnd())
        {
            return false;
        }

        _settlements.ForEach(static settlement => settlement.Undo());
        return true;
    }

    private bool TryEnd()
    {
        lock (_lock)
        {
            if (_isEnded)
            {
                return false;
            }

            _isEnded = true;
            return true;
        }
    }

    private void EnsureRoom()
    {
        if (_operations.Count >= MaxOperations)
        {
            throw new TransactionLimitException();
        }
    }
}
